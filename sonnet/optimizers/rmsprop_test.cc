#include "sonnet/optimizers/rmsprop.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "sonnet/optimizers/reference_test.h"

namespace snt::optimizers::rmsprop_test {
namespace {

struct Reference {
  double mu;
  bool centered;
  double mom = 0;
  double ms = 0;
  double mg = 0;
  double operator()(double theta, double g, int64_t) {
    ms = 0.75 * ms + 0.25 * g * g;
    if (centered) mg = 0.75 * mg + 0.25 * g;
    mom = mu * mom + 0.0625 * g / std::sqrt(ms - mg * mg + 0.015625);
    return theta - mom;
  }
};

struct Case {
  std::string name;
  double momentum;
  bool centered;
};

class RMSPropSteps : public testing::TestWithParam<Case> {};

TEST_P(RMSPropSteps, AreThoseOfTheFormula) {
  const auto& [name, momentum, centered] = GetParam();
  expect_same_steps(
      [&] {
        return RMSProp{.learning_rate = 0.0625,
                       .decay = 0.75,
                       .momentum = GetParam().momentum,
                       .epsilon = 0.015625,
                       .centered = GetParam().centered};
      },
      Reference{momentum, centered});
}

INSTANTIATE_TEST_SUITE_P(Each, RMSPropSteps,
                         testing::Values(Case{"Plain", 0, false},
                                         Case{"Momentum", 0.5, false},
                                         Case{"Centered", 0, true},
                                         Case{"CenteredMomentum", 0.5, true}),
                         [](const auto& info) { return info.param.name; });

TEST(RMSProp, DoesNotDependOnTheScaleOfGradients) {
  for (const bool centered : {false, true}) {
    std::vector<at::Tensor> results;
    for (const double scale : {1.0, 1000.0}) {
      const Variable w(uneven({3, 2}, 0, at::kDouble));
      const RMSProp rmsprop{
          .learning_rate = 0.01, .epsilon = 0, .centered = centered};
      for (int64_t step = 0; step < 5; ++step) {
        rmsprop.apply({uneven({3, 2}, step, at::kDouble) * scale}, {w});
      }
      results.push_back(w.value().detach());
    }
    EXPECT_TRUE(at::allclose(results[0], results[1], 0, 1e-12));
  }
}

TEST(RMSProp, HasMeansOfGradientsOnlyWhenCentered) {
  const Variable w(at::ones({2}));
  RMSProp rmsprop{.learning_rate = 0.01};
  rmsprop.apply({at::ones({2})}, {w});
  EXPECT_TRUE(rmsprop.mg.empty());
  rmsprop.centered = true;
  rmsprop.apply({at::ones({2})}, {w});
  EXPECT_EQ(rmsprop.mg.size(), 1u);
  EXPECT_TRUE(at::isfinite(w.value()).all().item<bool>());
}

// Where a gradient is zero, epsilon alone keeps 0 / sqrt(0) from being a NaN.
TEST(RMSProp, TakesZeroGradientsInHalfPrecision) {
  const Variable w(at::ones({2}, at::kHalf));
  const RMSProp rmsprop{.learning_rate = 0.01};
  rmsprop.apply({at::zeros({2}, at::kHalf)}, {w});
  EXPECT_TRUE(at::equal(w.value(), at::ones({2}, at::kHalf)));
}

}  // namespace
}  // namespace snt::optimizers::rmsprop_test
