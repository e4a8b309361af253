#include "sonnet/core/getter.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "sonnet/core/errors.h"
#include "sonnet/core/gradients.h"
#include "sonnet/layers/linear.h"
#include "sonnet/layers/sequential.h"

namespace snt::getter_test {
namespace {

using at::Tensor;

const Tensor x = at::ones({2, 4});

Linear make_linear(int64_t output_size = 3) {
  const Linear linear{output_size};
  linear(x);
  linear.b.assign(at::arange(1.0, 1.0 + output_size, at::kFloat));
  return linear;
}

Tensor twice(const Tensor& value) { return 2 * value; }
Tensor plus_one(const Tensor& value) { return value + 1; }

TEST(CustomVariableGetter, ChangesWhatIsReadWhileItLives) {
  const Linear linear = make_linear();
  const Tensor before = linear(x);
  {
    const custom_variable_getter getter(twice);
    EXPECT_TRUE(at::allclose(linear(x), 2 * before));
    EXPECT_TRUE(at::equal(linear.b.value(), at::arange(2.0f, 8.0f, 2.0f)));
  }
  EXPECT_TRUE(at::equal(linear(x), before));
  EXPECT_TRUE(at::equal(linear.b.value(), at::arange(1.0f, 4.0f)));
}

TEST(CustomVariableGetter, ConcernsOnlyTheGivenModules) {
  const Linear a = make_linear(3), b = make_linear(4), c = make_linear(5);
  const Tensor ya = a(x), yb = b(x), yc = c(x);
  const Sequential net{{b}};
  const custom_variable_getter getter(twice, a, net);
  EXPECT_TRUE(at::allclose(a(x), 2 * ya));
  EXPECT_TRUE(at::allclose(b(x), 2 * yb));  // Also inside and through copies.
  EXPECT_TRUE(at::equal(c(x), yc));
}

TEST(CustomVariableGetter, WithAModuleWithoutVariablesConcernsNothing) {
  struct Empty {};
  const Linear linear = make_linear();
  const Tensor y = linear(x);
  const custom_variable_getter getter(twice, Empty());
  EXPECT_TRUE(at::equal(linear(x), y));
}

TEST(CustomVariableGetter, ConcernsVariablesThatAreMadeInside) {
  const Linear linear{3}, other{3};
  const custom_variable_getter getter(
      [](const Tensor& value) { return at::full_like(value, 2); }, linear);
  EXPECT_TRUE(at::equal(linear(x), at::full({2, 3}, 10.0)));
  EXPECT_FALSE(at::equal(other(x), at::full({2, 3}, 10.0)));
}

TEST(CustomVariableGetter, NestsFromTheOutside) {
  const Linear linear = make_linear();
  const Tensor b = linear.b.value().detach().clone();
  const custom_variable_getter outer(twice);
  {
    const custom_variable_getter inner(plus_one);
    EXPECT_TRUE(at::equal(linear.b.value(), 2 * b + 1));
    {
      const custom_variable_getter innermost(twice, Linear{3});
      EXPECT_TRUE(at::equal(linear.b.value(), 2 * b + 1));
    }
  }
  EXPECT_TRUE(at::equal(linear.b.value(), 2 * b));
}

TEST(CustomVariableGetter, MayKnowWhichVariableIsRead) {
  const Linear linear = make_linear();
  variables(linear);  // Tells them their paths.
  std::vector<std::string> read;
  const custom_variable_getter getter(
      [&](const Variable& variable, const Tensor& value) {
        read.push_back(variable.path());
        return variable == linear.b ? at::zeros_like(value) : value;
      });
  const Tensor y = linear(x);
  EXPECT_EQ(read, (std::vector<std::string>{"w", "b"}));
  EXPECT_TRUE(at::equal(y, at::matmul(x, linear.w.value())));
}

TEST(CustomVariableGetter, ItselfReadsPlainly) {
  const Linear linear = make_linear();
  const Tensor b = linear.b.value().detach().clone();
  int calls = 0;
  const custom_variable_getter outer(plus_one);
  const custom_variable_getter getter([&](const Tensor& value) {
    ++calls;
    return value * linear.b.value();  // Reads what the outer one gives.
  });
  EXPECT_TRUE(at::equal(linear.b.value(), (b + 1) * (b + 1)));
  EXPECT_EQ(calls, 1);
}

TEST(CustomVariableGetter, StopsGradientsAndCasts) {
  const Linear linear = make_linear();
  const auto parameters = trainable_variables(linear);
  {
    const custom_variable_getter stop(
        [](const Tensor& value) { return value.detach(); });
    EXPECT_FALSE(linear(x).requires_grad());
  }
  Tensor loss;
  {
    const custom_variable_getter cast(
        [](const Tensor& value) { return value.to(at::kDouble); });
    const Tensor y = linear(x.to(at::kDouble));
    EXPECT_EQ(y.scalar_type(), at::kDouble);
    loss = y.sum();
  }
  const std::vector<Tensor> g = gradients(loss, parameters);
  EXPECT_EQ(g[0].scalar_type(), at::kFloat);
  EXPECT_TRUE(at::equal(g[1], at::full({3}, 2.0f)));
}

// A getter makes a new tensor at each read: gradients are those of the
// variable.
TEST(CustomVariableGetter, GradientsAreThoseOfTheVariableInsideToo) {
  const Linear linear = make_linear();
  const auto parameters = trainable_variables(linear);
  const custom_variable_getter getter(twice);
  const std::vector<Tensor> g = gradients(linear(x).sum(), parameters);
  ASSERT_TRUE(g[0].defined());
  EXPECT_TRUE(at::equal(g[0], at::full({4, 3}, 4.0f)));
  EXPECT_TRUE(at::equal(g[1], at::full({3}, 4.0f)));
}

TEST(CustomVariableGetter, LetsAssignmentsThrough) {
  const Linear linear = make_linear();
  {
    const custom_variable_getter getter(twice);
    linear.b.assign(at::full({3}, 5.0));
    linear.b.assign_add(at::full({3}, 2.0));  // To what is stored.
  }
  EXPECT_TRUE(at::equal(linear.b.value(), at::full({3}, 7.0)));
  const Variable counter = Variable::counter();
  {
    const custom_variable_getter getter(plus_one);
    counter.assign_add(1);
    counter.assign_add(1);
  }
  EXPECT_EQ(counter.value().item<int64_t>(), 2);
}

TEST(CustomVariableGetter, GivesValuesThatStayWhileOthersAreRead) {
  std::vector<Linear> layers;
  for (int i = 0; i < 100; ++i) layers.push_back(make_linear());
  const custom_variable_getter getter(twice);
  const Tensor& first = layers[0].w.value();
  const Tensor copy = first.detach().clone();
  for (const Linear& layer : layers) layer.b.value();
  EXPECT_TRUE(at::equal(first, copy));
}

TEST(CustomVariableGetter, IsRestoredAfterErrors) {
  const Linear linear = make_linear();
  const Tensor y = linear(x);
  EXPECT_THROW(
      {
        const custom_variable_getter getter(
            [](const Tensor&) -> Tensor { throw ValueError("on purpose"); });
        linear(x);
      },
      ValueError);
  EXPECT_TRUE(at::equal(linear(x), y));
  const custom_variable_getter throws([&](const Tensor& value) -> Tensor {
    if (value.dim() == 1) throw ValueError("on purpose");
    return 3 * value;
  });
  EXPECT_THROW(linear.b.value(), ValueError);
  EXPECT_FALSE(at::equal(linear.w.value(), 0 * linear.w.value()));
}

TEST(CustomVariableGetterThread, IsNotInherited) {
  const Linear linear = make_linear();
  const Tensor y = linear(x).detach();
  const custom_variable_getter getter(twice);
  Tensor elsewhere;
  std::thread([&] { elsewhere = linear(x).detach(); }).join();
  EXPECT_TRUE(at::equal(elsewhere, y));
  EXPECT_TRUE(at::allclose(linear(x), 2 * y));
}

}  // namespace
}  // namespace snt::getter_test
