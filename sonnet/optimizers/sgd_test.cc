#include "sonnet/optimizers/sgd.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "sonnet/optimizers/reference_test.h"

namespace snt::optimizers::sgd_test {
namespace {

struct Reference {
  double operator()(double theta, double g, int64_t) const {
    return theta - 0.125 * g;
  }
};

TEST(SGD, TakesTheStepsOfItsFormula) {
  expect_same_steps([] { return SGD{0.125}; }, Reference());
}

TEST(SGD, StepsAddUp) {
  const at::Tensor start = uneven({3, 2}, 0, at::kDouble);
  const Variable once(start);
  const Variable twice(start);
  const at::Tensor a = uneven({3, 2}, 1, at::kDouble);
  const at::Tensor b = uneven({3, 2}, 2, at::kDouble);
  const SGD sgd{.learning_rate = 0.3};
  sgd.apply({a + b}, {once});
  sgd.apply({a}, {twice});
  sgd.apply({b}, {twice});
  EXPECT_TRUE(at::allclose(once.value(), twice.value(), 0, 1e-15));
}

// As Sonnet: a number of Python is a float32 on its way to the update's dtype.
TEST(SGD, ReadsNumbersAsFloat32AndTensorsAsTheyAre) {
  const at::Tensor g = at::ones({1}, at::kDouble);
  const Variable a(at::zeros({1}, at::kDouble));
  SGD sgd{.learning_rate = 0.1};
  sgd.apply({g}, {a});
  EXPECT_EQ(a.value().item<double>(), -static_cast<double>(0.1f));

  const Variable b(at::zeros({1}, at::kDouble));
  sgd.learning_rate = at::scalar_tensor(0.1, at::kDouble);
  sgd.apply({g}, {b});
  EXPECT_EQ(b.value().item<double>(), -0.1);
}

}  // namespace
}  // namespace snt::optimizers::sgd_test
