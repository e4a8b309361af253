#include "sonnet/functional/optimizers.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "sonnet/core/clone.h"
#include "sonnet/core/gradients.h"
#include "sonnet/core/tree.h"
#include "sonnet/core/variables.h"
#include "sonnet/functional/devices.h"
#include "sonnet/functional/grad.h"
#include "sonnet/functional/transform.h"
#include "sonnet/nets/mlp.h"
#include "sonnet/optimizers/schedules.h"
#include "sonnet/testing/expect_close.h"
#include "sonnet/testing/message_of.h"
#include "sonnet/testing/uneven.h"

namespace snt::functional::optimizers_test {
namespace {

using at::Tensor;

Tensor loss_of(const nets::MLP& mlp, const Tensor& x) {
  return (mlp(x) - 1).square().mean();
}

// Three steps as functions against three steps of the same optimizer in place.
template <class Functional, class Eager>
void expect_same_steps(const Functional& optimizer, const Eager& eager) {
  const Tensor x = uneven({5, 4}, at::kDouble);
  const nets::MLP model{.output_sizes = {3, 2}};
  model(x);
  const nets::MLP reference = clone(model);
  const auto f =
      transform([=](const Tensor& in) { return loss_of(model, in); });
  Params params = f.init(x);
  const Params initial = params;
  Params opt_state = optimizer.init(params);
  const Params initial_state = opt_state;

  const auto parameters = trainable_variables(reference);
  for (int step = 0; step < 3; ++step) {
    const Params gradients = grad(f.apply)(params, x);
    const auto [new_params, new_state] =
        optimizer.apply(opt_state, gradients, params);
    params = new_params;
    opt_state = new_state;
    eager.apply(snt::gradients(loss_of(reference, x), parameters), parameters);
  }
  size_t i = 0;
  for (const auto& [variable, value] : params) {
    EXPECT_TRUE(at::equal(value, parameters[i++].value()));
    EXPECT_TRUE(at::equal(initial.at(variable), variable.value()));
  }
  tree::assert_same_structure(initial_state, opt_state);
  // Pure: the same step once more.
  const auto again =
      optimizer.apply(initial_state, grad(f.apply)(initial, x), initial);
  const auto once =
      optimizer.apply(initial_state, grad(f.apply)(initial, x), initial);
  for (const auto& [variable, value] : again.params) {
    EXPECT_TRUE(at::equal(value, once.params.at(variable)));
    EXPECT_FALSE(value.requires_grad());
  }
}

TEST(FunctionalOptimizer, StepsLikeTheOptimizer) {
  expect_same_steps(sgd({.learning_rate = 0.1}),
                    optimizers::SGD{.learning_rate = 0.1});
  expect_same_steps(adam({.learning_rate = 0.01}),
                    optimizers::Adam{.learning_rate = 0.01});
  expect_same_steps(
      rmsprop({.learning_rate = 0.01, .centered = true}),
      optimizers::RMSProp{.learning_rate = 0.01, .centered = true});
  expect_same_steps(
      momentum({.learning_rate = 0.1, .momentum = 0.9}),
      optimizers::Momentum{.learning_rate = 0.1, .momentum = 0.9});
}

TEST(FunctionalOptimizer, CountsTheStepsOfASchedule) {
  const auto schedule = schedules::Cosine{.start = 0.1, .steps = 5};
  expect_same_steps(sgd({.learning_rate = schedule}),
                    optimizers::SGD{.learning_rate = schedule});
}

TEST(FunctionalOptimizer, StateHasEveryVariableOfTheOptimizer) {
  const Variable w(at::ones({2})), b(at::ones({}));
  const Params params{{w, at::ones({2})}, {b, at::ones({})}};
  EXPECT_EQ(adam().init(params).size(), 5);  // Step, m and v of each.
  EXPECT_EQ(sgd({.learning_rate = 0.1}).init(params).size(), 0);
  for (const bool trainable : {true, false}) {
    const Variable rate(at::full({}, 0.5), trainable);
    const auto optimizer = adam({.learning_rate = rate});
    const Params state = optimizer.init(params);
    EXPECT_EQ(state.size(), 6);
    EXPECT_EQ(state.at(rate).item<float>(), 0.5);
    Params slower = state;
    slower.at(rate) = at::full({}, 0.25);
    const auto stepped = optimizer.apply(slower, params, params);
    EXPECT_NEAR(stepped.params.at(b).item<float>(), 0.75, 1e-6);
    EXPECT_EQ(stepped.opt_state.at(rate).item<float>(), 0.25);
  }
}

TEST(FunctionalOptimizer, SkipsUndefinedUpdatesAndMissesOthers) {
  const Variable w(at::ones({2})), b(at::ones({}));
  const Params params{{w, at::full({2}, 3.0)}, {b, at::full({}, 4.0)}};
  const auto optimizer = sgd({.learning_rate = 1});
  const auto [after, none] =
      optimizer.apply({}, {{b, Tensor()}, {w, at::ones({2})}}, params);
  EXPECT_EQ(after.at(b).item<float>(), 4);
  EXPECT_EQ(after.at(w)[1].item<float>(), 2);
  EXPECT_EQ(message_of([&] {
              optimizer.apply({}, {{w, at::ones({2})}}, params);
            }),
            "[Params] there is no value for variable '' among 1");
}

TEST(Devices, MoveNestsAndArguments) {
  const std::vector<Tensor> x = {at::ones({2}).requires_grad_()};
  EXPECT_TRUE(device_put(x)[0].is_same(x[0]));
  EXPECT_EQ(device_put(x, at::kMeta)[0].device(), at::Device(at::kMeta));
  EXPECT_FALSE(device_get(x)[0].requires_grad());
  const auto where = [](const Tensor& a, int b, const Variable& v) {
    return a.device().str() + std::to_string(b) + v.path();
  };
  EXPECT_EQ(jit(where, at::kMeta)(x[0], 3, Variable()), "meta3");
  const at::Device first =
      at::hasCUDA() ? at::Device(at::kCUDA, 0) : at::Device(at::kCPU);
  EXPECT_EQ(jit(where)(x[0], 3, Variable()), first.str() + "3");
}

}  // namespace
}  // namespace snt::functional::optimizers_test
