#include "sonnet/functional/transform.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <thread>

#include "sonnet/core/build.h"
#include "sonnet/core/getter.h"
#include "sonnet/core/gradients.h"
#include "sonnet/core/random.h"
#include "sonnet/core/state.h"
#include "sonnet/core/tree.h"
#include "sonnet/core/variables.h"
#include "sonnet/initializers/constant.h"
#include "sonnet/layers/linear.h"
#include "sonnet/metrics/exponential_moving_average.h"
#include "sonnet/nets/mlp.h"
#include "sonnet/testing/expect_close.h"
#include "sonnet/testing/message_of.h"
#include "sonnet/testing/uneven.h"

namespace snt::functional::transform_test {
namespace {

using at::Tensor;
using ::testing::HasSubstr;

constexpr char kNoValue[] =
    "Attempted to read a TensorVariable in a context where it has no value.";

Tensor plus_one(const Tensor& x) { return x + 1; }

// Sonnet's NetworkTest.test_transform.
TEST(Transform, TakesTheParametersOut) {
  const Linear linear{.output_size = 1, .w_init = initializers::Ones()};
  const auto f = transform(linear);
  const Tensor x = at::ones({1, 1});

  const Params params = f.init(x);
  ASSERT_EQ(params.size(), 2);
  EXPECT_TRUE(at::equal(params.at(linear.w), at::ones({1, 1})));
  EXPECT_TRUE(at::equal(params.at(linear.b), at::zeros({1})));
  EXPECT_EQ(f.apply(params, x).item<float>(), 1);
  EXPECT_EQ(f.apply(tree::map(plus_one, params), x).item<float>(), 3);
  EXPECT_EQ(f.apply(params, x).item<float>(), 1);
}

TEST(Transform, InitGivesWhatTheFirstCallWouldMake) {
  const Tensor x = uneven({3, 4}, at::kFloat);
  seed(7);
  const nets::MLP eager{.output_sizes = {5, 2}};
  const Tensor want = eager(x);
  seed(7);
  const nets::MLP lifted{.output_sizes = {5, 2}};
  const auto f = transform(lifted);
  const Params params = f.init(x);
  EXPECT_EQ(params.size(), 4);
  EXPECT_TRUE(at::equal(f.apply(params, x), want));
  // In the order of use.
  EXPECT_EQ(params.variables()[0], lifted.layers[0].w);
  EXPECT_EQ(params.variables()[3], lifted.layers[1].b);
}

TEST(Transform, LeavesWhatItCreatesWithoutAValue) {
  const Linear linear{3};
  const auto f = transform(linear);
  const Tensor x = uneven({2, 4}, at::kFloat);
  const Params params = f.init(x);
  const auto check_empty = [&] {
    EXPECT_FALSE(linear.w.has_value());
    EXPECT_TRUE(linear.w.is_built());
    EXPECT_EQ(linear.w.shape(), (at::IntArrayRef{4, 3}));
    EXPECT_EQ(linear.w.dtype(), at::kFloat);
    EXPECT_TRUE(linear.w.trainable());
    EXPECT_THAT(message_of([&] { linear.w.value(); }), HasSubstr(kNoValue));
    EXPECT_THAT(message_of([&] { linear(x); }), HasSubstr(kNoValue));
    EXPECT_THAT(message_of([&] { linear.b.assign_add(1); }),
                HasSubstr(kNoValue));
    EXPECT_THAT(message_of([&] { snt::state(linear); }), HasSubstr(kNoValue));
  };
  check_empty();
  f.apply(params, x);
  check_empty();
  // Another function that reads it directly.
  const auto g = transform([=] { return linear.w.value().sum(); });
  EXPECT_THAT(message_of([&] { g.init(); }), HasSubstr(kNoValue));
  EXPECT_TRUE(at::equal(g.apply(params), params.at(linear.w).sum()));

  params.store();
  EXPECT_TRUE(at::equal(linear(x), f.apply(params, x)));
  EXPECT_TRUE(linear.w.value().requires_grad());
  EXPECT_TRUE(linear.w.value().is_leaf());
  EXPECT_FALSE(linear.w.value().is_alias_of(params.at(linear.w)));
}

TEST(Transform, InitMakesNewValuesEachTime) {
  const Linear linear{3};
  const auto f = transform(linear);
  const Tensor x = at::ones({2, 4});
  const Params first = f.init(x), second = f.init(x);
  EXPECT_FALSE(at::equal(first.at(linear.w), second.at(linear.w)));
  EXPECT_TRUE(at::equal(f.apply(first, x), at::linear(x, first.at(linear.w).t(),
                                                      first.at(linear.b))));
  EXPECT_EQ(message_of([&] {
              f.init(at::ones({2, 5}));
            }),
            "[Linear] the last dimension of x must be 4 as on the first call, "
            "got shape [2, 5]");
}

// Sonnet's test_initial_values_preserved, and the same where f throws.
TEST(Transform, ChangesNoVariable) {
  const Variable v(at::full({}, 1.0));
  const Variable s(at::full({}, 5), /*trainable=*/false);
  bool fails = false;
  const auto f = transform_with_state([&] {
    v.assign(2.0);
    s.assign_add(1);
    if (fails) throw std::runtime_error("fails");
    return s.value() + 0;
  });
  const auto check_values = [&] {
    EXPECT_EQ(v.value().item<double>(), 1);
    EXPECT_EQ(s.value().item<double>(), 5);
    EXPECT_EQ(snt::detail::read_hook, nullptr);
  };
  const auto [params, state] = f.init();
  check_values();
  EXPECT_EQ(params.at(v).item<double>(), 1);  // Initial, not assigned.
  EXPECT_EQ(state.at(s).item<double>(), 5);
  const auto [output, after] = f.apply(params, state);
  check_values();
  EXPECT_EQ(output.item<double>(), 6);
  EXPECT_EQ(after.at(s).item<double>(), 6);
  EXPECT_EQ(state.at(s).item<double>(), 5);
  fails = true;
  EXPECT_THROW(f.init(), std::runtime_error);
  check_values();
  EXPECT_THROW(f.apply(params, state), std::runtime_error);
  check_values();
}

TEST(Transform, CreatesNothingWhereInitThrows) {
  const Linear linear{3};
  const auto f = transform([=](const Tensor& x) -> Tensor {
    linear(x);
    throw std::runtime_error("fails");
  });
  EXPECT_THROW(f.init(at::ones({1, 2})), std::runtime_error);
  EXPECT_FALSE(linear.w.is_built());
  EXPECT_EQ(linear(at::ones({1, 4})).size(1), 3);  // Another input size.
}

TEST(Transform, ErrorsAreSonnets) {
  const ExponentialMovingAverage average{0.5};
  EXPECT_EQ(message_of([&] { transform(average).init(at::full({}, 3.0)); }),
            "[transform] Stateful networks must use `transform_with_state(f)`, "
            "got 3 variables that are not trained");
  const auto makes = transform([] { return Linear{1}(at::ones({1, 1})); });
  EXPECT_THAT(message_of([&] { makes.apply({}); }),
              HasSubstr("Apply function cannot create new variables."));
  const Linear linear{3};
  const auto f = transform(linear);
  const Params params = f.init(at::ones({1, 2}));
  EXPECT_EQ(message_of([&] {
              f.apply({{linear.w, at::ones({3, 2})}}, at::ones({1, 2}));
            }),
            "[transform] variable '' has shape [2, 3], got a value of shape "
            "[3, 2]");
  EXPECT_THAT(message_of([&] {
                f.apply({{linear.w, at::ones({2, 3})}}, at::ones({1, 2}));
              }),
              HasSubstr(kNoValue));  // linear.b
  const Variable v(at::zeros({}));
  const auto assigns = transform([=] { v.assign(1.0); });
  EXPECT_THAT(message_of([&] { assigns.apply({}); }),
              HasSubstr("is not among its parameters and state"));
  EXPECT_EQ(v.value().item<double>(), 0);
}

// Sonnet's test_attributes_do_not_notify.
TEST(Transform, MetadataIsNoRead) {
  const Variable v(at::ones({2}));
  const auto f = transform([=] {
    return v.shape().size() + v.path().size() + v.trainable() + v.is_built() +
           (v.dtype() == at::kFloat) + v.device().is_cpu();
  });
  EXPECT_TRUE(f.init().empty());
  EXPECT_EQ(f.apply({}), 5);
}

TEST(Transform, OutputIsDifferentiableInTheParameters) {
  const nets::MLP mlp{.output_sizes = {3, 2}};
  const Tensor x = uneven({4, 5}, at::kDouble);
  mlp(x);
  const auto variables = trainable_variables(mlp);
  const auto want = snt::gradients(mlp(x).square().sum(), variables);

  const auto f = transform(mlp);
  const Params initial = f.init(x);
  const Tensor plain = f.apply(initial, x);
  EXPECT_FALSE(plain.requires_grad());
  const Params params = tree::map(
      [](const Tensor& p) { return p.clone().requires_grad_(); }, initial);
  const Params got = snt::gradients(f.apply(params, x).square().sum(), params);
  for (size_t i = 0; i < variables.size(); ++i) {
    expect_close(got.at(variables[i]), want[i]);
  }
}

TEST(Transform, TakesParametersOfAnotherDtype) {
  const Linear linear{3};
  const auto f = transform(linear);
  const Tensor x = uneven({2, 4}, at::kFloat);
  const Params params = f.init(x);
  const Tensor y = f.apply(tree::to(params, at::kDouble), x.to(at::kDouble));
  expect_close(y, f.apply(params, x).to(at::kDouble), at::kDouble, 1e7);
}

TEST(Transform, GettersInsideSeeTheParameters) {
  const Linear linear{2};
  const auto f = transform([=](const Tensor& x) {
    const custom_variable_getter getter(
        [](const Tensor& value) { return 2 * value; });
    return linear(x);
  });
  const Tensor x = uneven({2, 4}, at::kFloat);
  const Params params = f.init(x);
  EXPECT_TRUE(
      at::allclose(f.apply(params, x), 2 * at::mm(x, params.at(linear.w))));
}

TEST(Transform, NestsWithInnerValuesFirst) {
  const Linear linear{2};
  const auto inner = transform(linear);
  const Tensor x = at::ones({1, 3});
  const Params params = inner.init(x);
  const auto outer = transform(
      [&](const Params& other) { return inner.apply(other, x) - linear(x); });
  const Params more = tree::map(plus_one, params);
  EXPECT_TRUE(at::allclose(outer.apply(params, more), at::full({1, 2}, 4.0)));
}

TEST(Transform, ConcernsItsThreadOnly) {
  const Variable v(at::zeros({}));
  const auto f = transform([&] {
    double seen = -1;
    std::thread other([&] { seen = v.value().item<double>(); });
    other.join();
    return v.value() - seen;
  });
  EXPECT_EQ(f.apply({{v, at::full({}, 3.0)}}).item<double>(), 3);
}

// Sonnet's test_state_counter and test_state_ema.
TEST(TransformWithState, ThreadsTheStateThrough) {
  const Variable counter = Variable::counter();
  const auto count = transform_with_state([=] { counter.assign_add(1); });
  const auto [none, zero] = count.init();
  EXPECT_TRUE(none.empty());
  for (int run = 0; run < 2; ++run) {
    Params state = zero;
    for (int i = 1; i <= 10; ++i) {
      state = count.apply(none, state);
      EXPECT_EQ(state.at(counter).item<int64_t>(), i);
    }
  }

  const auto f = transform_with_state(ExponentialMovingAverage{0.5});
  const auto [params, state] = f.init(at::full({}, 3.0));
  EXPECT_EQ(state.size(), 3);
  const auto [y, after] = f.apply(params, state, at::full({}, 3.0));
  EXPECT_EQ(y.item<float>(), 3);
  const auto [z, end] = f.apply(params, after, at::full({}, 6.0));
  EXPECT_EQ(z.item<float>(), 5);
}

TEST(TransformWithState, AFrozenVariableIsState) {
  const Linear linear{2};
  linear(at::ones({1, 3}));
  linear.b.freeze();
  const auto [params, state] =
      transform_with_state(linear).init(at::ones({1, 3}));
  EXPECT_TRUE(params.contains(linear.w));
  EXPECT_TRUE(state.contains(linear.b));
}

TEST(Variables, IsAScopeThatChangesNothing) {
  const functional::variables scope;
  const Variable v(at::ones({}));
  v.assign(0.0);
  v.assign_sub(at::ones({}));
  EXPECT_EQ(v.value().item<double>(), -1);
}

}  // namespace
}  // namespace snt::functional::transform_test
