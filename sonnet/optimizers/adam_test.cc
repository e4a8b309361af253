#include "sonnet/optimizers/adam.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "sonnet/core/options.h"
#include "sonnet/optimizers/reference_test.h"
#include "sonnet/optimizers/schedules.h"

namespace snt::optimizers::adam_test {
namespace {

struct Reference {
  double m = 0;
  double v = 0;
  double operator()(double theta, double g, int64_t t) {
    m = 0.75 * m + 0.25 * g;
    v = 0.875 * v + 0.125 * g * g;
    const double m_hat = m / (1 - std::pow(0.75, t));
    const double v_hat = v / (1 - std::pow(0.875, t));
    return theta - 0.0625 * m_hat / (std::sqrt(v_hat) + 0.0078125);
  }
};

TEST(Adam, TakesTheStepsOfItsFormula) {
  expect_same_steps(
      [] {
        return Adam{.learning_rate = 0.0625,
                    .beta1 = 0.75,
                    .beta2 = 0.875,
                    .epsilon = 0.0078125};
      },
      Reference());
}

// Sonnet's own test.
TEST(Adam, MovesByTheLearningRateAtFirst) {
  const Variable w(at::tensor({1.0f, 2.0f}));
  const Adam adam{.learning_rate = 0.001};
  adam.apply({at::tensor({5.0f, 5.0f})}, {w});
  EXPECT_TRUE(at::allclose(w.value(), at::tensor({0.999f, 1.999f})));
}

TEST(Adam, DoesNotDependOnTheScaleOfGradients) {
  std::vector<at::Tensor> results;
  for (const double scale : {1.0, 1000.0}) {
    const Variable w(uneven({3, 2}, 0, at::kDouble));
    const Adam adam{.learning_rate = 0.01, .epsilon = 0};
    for (int64_t step = 0; step < 5; ++step) {
      adam.apply({uneven({3, 2}, step, at::kDouble) * scale}, {w});
    }
    results.push_back(w.value().detach());
  }
  EXPECT_TRUE(at::allclose(results[0], results[1], 0, 1e-12));
}

TEST(Adam, CountsItsStepsFromTheStart) {
  const Adam adam;
  EXPECT_EQ(adam.step.value().item<int64_t>(), 0);
  EXPECT_EQ(adam.step.dtype(), at::kLong);
  EXPECT_FALSE(adam.step.trainable());
  const Variable w(at::ones({2}));
  adam.apply({at::ones({2})}, {w});
  adam.apply({at::ones({2})}, {w});
  EXPECT_EQ(adam.step.value().item<int64_t>(), 2);
}

TEST(Adam, SchedulesAnyHyperparameter) {
  const Variable scheduled(uneven({3, 2}, 0, at::kDouble));
  const Variable by_hand(uneven({3, 2}, 0, at::kDouble));
  const schedules::Piecewise rate{.boundaries = {1, 3},
                                  .values = {0.5, 0.25, 0.125}};
  const schedules::Piecewise beta{.boundaries = {2}, .values = {0.5, 0.75}};
  const Adam a{.learning_rate = rate, .beta1 = beta};
  Adam b;
  for (int64_t step = 0; step < 5; ++step) {
    const at::Tensor g = uneven({3, 2}, step, at::kDouble);
    a.apply({g}, {scheduled});
    b.learning_rate = rate(step);
    b.beta1 = beta(step);
    b.apply({g}, {by_hand});
  }
  EXPECT_TRUE(at::equal(scheduled.value(), by_hand.value()));
}

TEST(Adam, TakesZeroGradientsInHalfPrecision) {
  const Variable w(at::ones({2}, at::kHalf));
  const Adam adam;
  adam.apply({at::zeros({2}, at::kHalf)}, {w});
  EXPECT_TRUE(at::equal(w.value(), at::ones({2}, at::kHalf)));
}

TEST(Adam, PrintsAndStoresItsOptions) {
  EXPECT_EQ(repr(Adam{}), "Adam()");
  EXPECT_EQ(repr(Adam{.learning_rate = 0.01, .beta1 = 0.5}),
            "Adam(learning_rate=0.01, beta1=0.5)");
  const Adam adam{
      .learning_rate = schedules::WarmUp{
          .steps = 5, .then = schedules::Cosine{.start = 0.1, .steps = 9}}};
  const Adam again = from_json<Adam>(to_json(adam));
  EXPECT_EQ(repr(again),
            "Adam(learning_rate=WarmUp(steps=5, then=Cosine(start=0.1, "
            "steps=9)))");
  EXPECT_EQ(again.learning_rate.value(7), adam.learning_rate.value(7));
}

}  // namespace
}  // namespace snt::optimizers::adam_test
