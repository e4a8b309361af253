#include "sonnet/functional/grad.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include "sonnet/functional/transform.h"
#include "sonnet/layers/linear.h"
#include "sonnet/metrics/exponential_moving_average.h"
#include "sonnet/testing/expect_close.h"
#include "sonnet/testing/uneven.h"

namespace snt::functional::grad_test {
namespace {

using at::Tensor;

Tensor number(double value) { return at::full({}, value, at::kDouble); }
double item(const Tensor& x) { return x.item<double>(); }

Tensor product(const Tensor& x, const Tensor& y) { return x * x * y; }

TEST(Grad, IsThatOfTheFirstArgument) {
  const Tensor x = number(4), y = number(5);
  EXPECT_EQ(item(grad(product)(x, y)), 40);
  const auto [value, g] = value_and_grad(product)(x, y);
  EXPECT_EQ(item(value), 80);
  EXPECT_EQ(item(g), 40);
  EXPECT_FALSE(value.requires_grad());
  EXPECT_FALSE(g.requires_grad());
  EXPECT_FALSE(x.requires_grad());
}

TEST(Grad, TakesTheNumbersOfTheArguments) {
  EXPECT_EQ(item(grad<1>(product)(number(4), number(5))), 16);
  const auto [gy, gx] = grad<1, 0>(product)(number(4), number(5));
  EXPECT_EQ(item(gy), 16);
  EXPECT_EQ(item(gx), 40);
}

TEST(Grad, IsOfTheSumWhereTheOutputIsNoScalar) {
  const Tensor x = uneven({3});
  expect_close(grad([](const Tensor& a) { return a * a; })(x), 2 * x);
}

TEST(Grad, HandsOnWhatElseTheFunctionGives) {
  const auto f = [](const Tensor& x, double factor) {
    return std::make_pair(x * x * factor, std::string("aux"));
  };
  const auto [g, aux] = grad(f, has_aux)(number(2), 3.0);
  EXPECT_EQ(item(g), 12);
  EXPECT_EQ(aux, "aux");
  const auto [value, same, gx] = value_and_grad<0>(f, has_aux)(number(2), 3.0);
  EXPECT_EQ(item(value), 12);
  EXPECT_EQ(same, "aux");
  EXPECT_EQ(item(gx), 12);
  // A graph does not live on in what is handed on.
  const auto with_graph = [](const Tensor& x) {
    return std::make_pair(x * x, std::vector<Tensor>{x * 3});
  };
  EXPECT_FALSE(grad(with_graph, has_aux)(number(2)).aux[0].requires_grad());
}

TEST(Grad, HasTheStructureOfTheArgument) {
  struct Batch {
    Tensor image;
    std::vector<Tensor> unused;
    Tensor label;
  };
  const Batch batch{number(3), {number(1)}, at::ones({}, at::kLong)};
  const Batch g = grad([](const Batch& b) { return b.image * b.label; })(batch);
  EXPECT_EQ(item(g.image), 1);
  EXPECT_FALSE(g.unused[0].defined());
  EXPECT_FALSE(g.label.defined());
}

TEST(Grad, CanBeDifferentiated) {
  const auto cube = [](const Tensor& x) { return x * x * x; };
  EXPECT_EQ(item(grad(grad(cube))(number(2))), 12);
  EXPECT_EQ(item(grad(grad(grad(cube)))(number(2))), 6);
  // By hand, too.
  const Tensor x = number(2).requires_grad_();
  const Tensor g = grad(cube)(x);
  EXPECT_EQ(item(snt::gradients(g, x)), 12);
}

TEST(Grad, WorksWhereGradientsAreOffAndLeavesThemOff) {
  const at::NoGradGuard no_grad;
  EXPECT_EQ(item(grad(product)(number(4), number(5))), 40);
  EXPECT_FALSE(at::GradMode::is_enabled());
  EXPECT_THROW(grad([](const Tensor&) -> Tensor {
                 throw std::runtime_error("fails");
               })(number(1)),
               std::runtime_error);
  EXPECT_FALSE(at::GradMode::is_enabled());
}

TEST(Grad, IsThatOfATransformedFunction) {
  const Linear linear{2};
  const ExponentialMovingAverage average{0.5};
  const auto f = transform_with_state([=](const Tensor& x) {
    const Tensor y = linear(x);
    average(y.detach().mean());
    return (y * y).sum();
  });
  const Tensor x = uneven({3, 4}, at::kDouble);
  const auto [params, state] = f.init(x);
  const auto [value, after, g] =
      value_and_grad(f.apply, has_aux)(params, state, x);
  const Tensor y = at::mm(x, params.at(linear.w));
  expect_close(g.at(linear.w), 2 * at::mm(x.t(), y), 4);
  expect_close(g.at(linear.b), 2 * y.sum(0), 4);
  EXPECT_FALSE(value.requires_grad());
  expect_close(after.at(average.average), y.mean(), 4);
}

}  // namespace
}  // namespace snt::functional::grad_test
