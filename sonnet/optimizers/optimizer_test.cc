#include "sonnet/optimizers/optimizer.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "sonnet/core/clone.h"
#include "sonnet/core/errors.h"
#include "sonnet/core/variables.h"
#include "sonnet/optimizers/adam.h"
#include "sonnet/optimizers/momentum.h"
#include "sonnet/optimizers/rmsprop.h"
#include "sonnet/optimizers/sgd.h"
#include "sonnet/testing/expect_close.h"
#include "sonnet/testing/message_of.h"
#include "sonnet/testing/uneven.h"

namespace snt::optimizer_test {
namespace {

// An optimizer of a user, without slots: steps of one size.
struct SignDescent {
  double learning_rate;

  void apply(const std::vector<at::Tensor>& updates,
             const std::vector<Variable>& parameters) const {
    for (size_t i = 0; i < updates.size(); ++i) {
      parameters[i].assign_sub(learning_rate * updates[i].sign());
    }
  }
};

struct Training {
  Optimizer optimizer = optimizers::Momentum{0.1, 0.9};
};

template <class O>
void expect_same_steps(const O& plain) {
  const Optimizer erased = clone(plain);
  const Variable a(uneven({2, 3}));
  const Variable b(uneven({2, 3}));
  for (int64_t step = 0; step < 3; ++step) {
    const at::Tensor update = uneven({2, 3}, at::kDouble, step + 1);
    plain.apply({update}, {a});
    erased.apply({update}, {b});
  }
  EXPECT_TRUE(at::equal(a.value(), b.value()));
  EXPECT_FALSE(at::allclose(a.value(), uneven({2, 3})));
  EXPECT_EQ(to_config(erased), to_config(plain));
}

TEST(OptimizerTest, IsTheOptimizerItHolds) {
  expect_same_steps(optimizers::SGD{0.1});
  expect_same_steps(optimizers::Momentum{0.1, 0.9});
  expect_same_steps(optimizers::RMSProp{0.1});
  expect_same_steps(optimizers::Adam{.learning_rate = 0.1});
}

TEST(OptimizerTest, HoldsOnesOwn) {
  const Optimizer optimizer = SignDescent{0.5};
  const Variable w(at::tensor({1.f, 1.f}));
  optimizer.apply({at::tensor({3.f, -0.2f})}, {w});
  expect_close(w.value(), at::tensor({0.5f, 1.5f}));
  optimizer.initialize({w});  // There is nothing to make.
  EXPECT_EQ(optimizer.get_if<SignDescent>()->learning_rate, 0.5);
  EXPECT_EQ(optimizer.get_if<optimizers::Adam>(), nullptr);
  EXPECT_EQ(variables(optimizer).size(), 0);
}

TEST(OptimizerTest, OptionsMayChange) {
  const Optimizer optimizer = optimizers::SGD{1.0};
  optimizer.get_if<optimizers::SGD>()->learning_rate = 0.25;
  const Variable w(at::ones({2}));
  optimizer.apply({at::ones({2})}, {w});
  expect_close(w.value(), at::full({2}, 0.75f));
}

TEST(OptimizerTest, DoesNotShowInPaths) {
  const Training training;
  const Variable w(at::ones({2}));
  training.optimizer.initialize({w});
  const auto named = named_variables(training);
  ASSERT_EQ(named.size(), 1);
  EXPECT_EQ(named[0].path, "optimizer/accumulated_momentum/0");
}

TEST(OptimizerTest, CopiesShareAndClonesDoNot) {
  const Optimizer adam = optimizers::Adam{};
  const Optimizer copy = adam;
  const Variable w(at::ones({2}));
  adam.apply({at::ones({2})}, {w});
  const Optimizer other = clone(adam);
  copy.apply({at::ones({2})}, {w});
  const auto steps = [](const Optimizer& optimizer) {
    return optimizer.get_if<optimizers::Adam>()
        ->step.value()
        .template item<int64_t>();
  };
  EXPECT_EQ(steps(adam), 2);
  EXPECT_EQ(steps(other), 1);
}

TEST(OptimizerTest, Json) {
  const Optimizer momentum = optimizers::Momentum{0.1, 0.9};
  const std::string json = to_json(to_config(momentum));
  const auto again = from_config<Optimizer>(parse_json(json), "optimizer");
  EXPECT_EQ(repr(again), repr(momentum));
  EXPECT_EQ(again.class_name(), "Momentum");
  EXPECT_EQ(message_of([] {
              from_config<Optimizer>(parse_json(R"("Optimizer")"), "main");
            }),
            "[main] unknown class 'Optimizer'; known: optimizers.Adam, "
            "optimizers.Momentum, optimizers.RMSProp, optimizers.SGD");
}

TEST(OptimizerTest, ErrorsAreThoseOfWhatIsHeld) {
  const Optimizer adam = optimizers::Adam{};
  EXPECT_EQ(message_of([&] { adam.apply({}, {}); }),
            message_of([] { optimizers::Adam{}.apply({}, {}); }));
}

}  // namespace
}  // namespace snt::optimizer_test
