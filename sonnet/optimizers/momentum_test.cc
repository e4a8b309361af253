#include "sonnet/optimizers/momentum.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "sonnet/optimizers/reference_test.h"
#include "sonnet/optimizers/sgd.h"

namespace snt::optimizers::momentum_test {
namespace {

struct Reference {
  bool use_nesterov;
  double m = 0;
  double operator()(double theta, double g, int64_t) {
    m = 0.75 * m + g;
    return theta - 0.125 * (use_nesterov ? 0.75 * m + g : m);
  }
};

class MomentumSteps : public testing::TestWithParam<bool> {};

TEST_P(MomentumSteps, AreThoseOfTheFormula) {
  expect_same_steps(
      [] {
        return Momentum{.learning_rate = 0.125,
                        .momentum = 0.75,
                        .use_nesterov = GetParam()};
      },
      Reference{GetParam()});
}

INSTANTIATE_TEST_SUITE_P(Each, MomentumSteps, testing::Bool(),
                         [](const auto& info) {
                           return info.param ? "Nesterov" : "Plain";
                         });

TEST(Momentum, WithoutMomentumIsSGD) {
  for (const bool use_nesterov : {false, true}) {
    const auto a = Updates::parameters(at::kDouble);
    const auto b = Updates::parameters(at::kDouble);
    const Momentum momentum{0.1, 0.0, use_nesterov};
    const SGD sgd{0.1};
    for (int64_t step = 0; step < 4; ++step) {
      const Updates updates(step, at::kDouble);
      momentum.apply(updates.tensors, a);
      sgd.apply(updates.tensors, b);
    }
    for (size_t i = 0; i < a.size(); ++i) {
      EXPECT_TRUE(at::allclose(a[i].value(), b[i].value(), 0, 1e-15)) << i;
    }
  }
}

TEST(Momentum, KeepsTheAccumulatedGradient) {
  const Variable w(at::zeros({2}));
  const Momentum momentum{.learning_rate = 0.5, .momentum = 0.25};
  momentum.apply({at::tensor({1.0f, -2.0f})}, {w});
  momentum.apply({at::tensor({3.0f, 5.0f})}, {w});
  EXPECT_TRUE(at::equal(momentum.accumulated_momentum[0].value(),
                        at::tensor({3.25f, 4.5f})));
}

}  // namespace
}  // namespace snt::optimizers::momentum_test
