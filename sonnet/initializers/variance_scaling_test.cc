#include "sonnet/initializers/variance_scaling.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include "sonnet/core/errors.h"
#include "sonnet/core/initializer.h"
#include "sonnet/core/options.h"
#include "sonnet/core/random.h"
#include "sonnet/initializers/distributions.h"

namespace snt::initializers::variance_scaling_test {
namespace {

using testing::ThrowsMessage;

// What the goldens facts_variancescaling_NAME.json expect of 1000 tensors.
struct Facts {
  const char* name;
  VarianceScaling initializer;
  std::vector<int64_t> shape;
  double std;
  double bound;  // Of the absolute value; 0: none.
};

class VarianceScalingFactsTest : public testing::TestWithParam<Facts> {};

// z-tests at 6 standard errors: p_fail = 2e-9 each (less where the kurtosis is
// below the 3 of a normal distribution).
TEST_P(VarianceScalingFactsTest, MomentsAndBounds) {
  const auto& [name, initializer, shape, std, bound] = GetParam();
  std::vector<at::Tensor> tensors;
  for (int i = 0; i < 1000; ++i) tensors.push_back(initializer(shape));
  const at::Tensor sample = at::stack(tensors).to(at::kDouble);
  const double n = static_cast<double>(sample.numel());
  EXPECT_NEAR(sample.mean().item<double>(), 0, 6 * std / std::sqrt(n));
  EXPECT_NEAR(sample.std().item<double>(), std, 6 * std / std::sqrt(2 * n));
  const double largest = sample.abs().max().item<double>();
  if (bound > 0) {
    EXPECT_LE(largest, bound);
    EXPECT_GT(largest, 0.98 * bound);
  } else {
    // One of 16000 normal numbers is beyond 3 stddev: p_fail = 2e-19.
    EXPECT_GT(largest, 3 * std);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Goldens, VarianceScalingFactsTest,
    testing::Values(
        Facts{"0p5_fan_in_uniform_25x9",
              {0.5, "fan_in", "uniform"},
              {25, 9},
              0.1414213562373095,
              0.2449489742783178},
        Facts{"16", {}, {16}, 0.25, 0.5684236171692783},
        Facts{"2p0_fan_out_normal_30x7",
              {2.0, "fan_out", "normal"},
              {30, 7},
              0.5345224838248488,
              0},
        Facts{"2p0_fan_out_normal_3x2x5x8",
              {2.0, "fan_out", "normal"},
              {3, 2, 5, 8},
              0.2041241452319315,
              0},
        Facts{"2x4x6", {}, {2, 4, 6}, 0.3535533905932738, 0.8038723885739654},
        Facts{"30x7", {}, {30, 7}, 0.18257418583505536, 0.4151179164563927},
        Facts{"3x3x5x8",
              {},
              {3, 3, 5, 8},
              0.14907119849998599,
              0.33894235946848605},
        Facts{"fan_avg_truncated_normal_12x20",
              {.mode = "fan_avg", .distribution = "truncated_normal"},
              {12, 20},
              0.25,
              0.5684236171692783},
        Facts{"fan_avg_uniform_30x7",
              {.mode = "fan_avg", .distribution = "uniform"},
              {30, 7},
              0.23249527748763857,
              0.40269363312841455},
        Facts{"fan_avg_uniform_3x3x5x8",
              {.mode = "fan_avg", .distribution = "uniform"},
              {3, 3, 5, 8},
              0.1307440900921227,
              0.22645540682891918}),
    [](const auto& info) { return "Golden_" + std::string(info.param.name); });

// Every mode, distribution and rank: the numbers that the distribution draws
// from the same seed, with the standard deviation sqrt(scale / n).
TEST(VarianceScalingTest, EveryFan) {
  struct Case {
    std::vector<int64_t> shape;
    double in;
    double out;
  };
  const double scale = 3;
  const std::optional<int64_t> seed = 1;
  const auto check = [&](const Case& c, const char* mode, double n) {
    const double stddev = std::sqrt(scale / n);
    const double limit = stddev * std::sqrt(3.0);
    const auto expect = [&](const char* distribution, const Initializer& same) {
      snt::seed(11);
      const at::Tensor x = VarianceScaling{scale, mode, distribution, seed}(
          c.shape, at::kDouble);
      snt::seed(11);
      const at::Tensor expected = same(c.shape, at::kDouble);
      EXPECT_TRUE(at::allclose(x, expected, 1e-12, 1e-14))
          << distribution << " " << mode << " of rank " << c.shape.size();
    };
    expect("normal", RandomNormal{0, stddev, seed});
    expect("truncated_normal",
           TruncatedNormal{0, stddev / 0.8796256610342398, seed});
    expect("uniform", RandomUniform{-limit, limit, seed});
  };
  for (const Case& c :
       {Case{{}, 1, 1}, Case{{6}, 6, 6}, Case{{1}, 1, 1}, Case{{3, 5}, 3, 5},
        Case{{7, 3, 5}, 21, 35}, Case{{2, 7, 3, 5}, 42, 70},
        Case{{1, 2, 2, 3, 4}, 12, 16}}) {
    check(c, "fan_in", c.in);
    check(c, "fan_out", c.out);
    check(c, "fan_avg", (c.in + c.out) / 2);
  }
}

TEST(VarianceScalingTest, NoConnectionsCountAsOne) {
  EXPECT_EQ(VarianceScaling{}({0, 3}).sizes(), at::IntArrayRef({0, 3}));
  EXPECT_EQ(VarianceScaling{.mode = "fan_avg"}({0}).numel(), 0);
  EXPECT_EQ(VarianceScaling{.mode = "fan_out"}({2, 0, 4}).numel(), 0);
}

TEST(VarianceScalingTest, ShapesAndDtypes) {
  for (const std::vector<int64_t>& shape :
       std::vector<std::vector<int64_t>>{{}, {1}, {4, 3}, {2, 3, 4, 5, 2}}) {
    for (at::ScalarType dtype :
         {at::kFloat, at::kDouble, at::kHalf, at::kBFloat16}) {
      for (const char* distribution :
           {"normal", "truncated_normal", "uniform"}) {
        const at::Tensor x =
            VarianceScaling{.distribution = distribution}(shape, dtype);
        EXPECT_EQ(x.sizes(), at::IntArrayRef(shape));
        EXPECT_EQ(x.scalar_type(), dtype);
      }
    }
  }
  EXPECT_EQ(VarianceScaling{}({2}).scalar_type(), at::kFloat);
}

TEST(VarianceScalingTest, NamesOfDistributions) {
  const auto draw = [](const char* distribution) {
    seed(3);
    return VarianceScaling{.distribution = distribution}({4, 3});
  };
  EXPECT_TRUE(at::equal(draw("NORMAL"), draw("normal")));
  EXPECT_TRUE(at::equal(draw("untruncated_normal"), draw("normal")));
  EXPECT_TRUE(at::equal(draw("Truncated_Normal"), draw("truncated_normal")));
  EXPECT_FALSE(at::equal(draw("truncated_normal"), draw("normal")));
}

TEST(VarianceScalingTest, Presets) {
  EXPECT_EQ(repr(glorot_uniform()),
            "VarianceScaling(mode='fan_avg', distribution='uniform')");
  EXPECT_EQ(repr(glorot_normal()), "VarianceScaling(mode='fan_avg')");
  EXPECT_EQ(repr(lecun_uniform()), "VarianceScaling(distribution='uniform')");
  EXPECT_EQ(repr(lecun_normal()), "VarianceScaling()");
  EXPECT_EQ(repr(he_uniform()),
            "VarianceScaling(scale=2.0, distribution='uniform')");
  EXPECT_EQ(repr(he_normal(/*seed=*/3)), "VarianceScaling(scale=2.0, seed=3)");
  for (const auto preset : {glorot_uniform, glorot_normal, lecun_uniform,
                            lecun_normal, he_uniform, he_normal}) {
    EXPECT_EQ(preset(8).seed, 8);
  }
}

TEST(VarianceScalingTest, Seeds) {
  for (const char* distribution : {"normal", "truncated_normal", "uniform"}) {
    const auto draw = [&](std::optional<int64_t> with) {
      return VarianceScaling{.distribution = distribution, .seed = with}({20});
    };
    seed(5);
    const at::Tensor first = draw(1);
    const at::Tensor second = draw(1);
    const at::Tensor unseeded = draw(std::nullopt);
    EXPECT_FALSE(at::equal(first, second));
    EXPECT_FALSE(at::equal(first, draw(2)));
    seed(5);
    EXPECT_TRUE(at::equal(draw(std::nullopt), unseeded));
    EXPECT_TRUE(at::equal(draw(1), first));
    EXPECT_TRUE(at::equal(draw(1), second));
  }
}

TEST(VarianceScalingTest, Errors) {
  EXPECT_THAT(
      [] {
        VarianceScaling{}({2, 2}, at::kInt);
      },
      ThrowsMessage<ValueError>(
          "[VarianceScaling] Expected floating point type, got "
          "<dtype: 'int32'>"));
  EXPECT_THAT([] { VarianceScaling{.scale = 0}.check(); },
              ThrowsMessage<ValueError>(
                  "[VarianceScaling] `scale` must be positive float. Got 0.0"));
  EXPECT_THAT([] { VarianceScaling{.scale = -1}({2}); },
              ThrowsMessage<ValueError>(
                  "[VarianceScaling] `scale` must be positive float. Got "
                  "-1.0"));
  EXPECT_THAT([] { VarianceScaling{.mode = "fan_foo"}({2}); },
              ThrowsMessage<ValueError>(
                  "[VarianceScaling] Invalid `mode` argument: fan_foo"));
  EXPECT_THAT([] { VarianceScaling{.mode = "FAN_IN"}.check(); },
              ThrowsMessage<ValueError>(
                  "[VarianceScaling] Invalid `mode` argument: FAN_IN"));
  EXPECT_THAT([] { VarianceScaling{.distribution = "Cauchy"}({2}); },
              ThrowsMessage<ValueError>(
                  "[VarianceScaling] Invalid `distribution` argument: cauchy"));
}

TEST(VarianceScalingTest, Stores) {
  const VarianceScaling written{2, "fan_out", "uniform", 9};
  EXPECT_EQ(to_json(written),
            R"({"scale":2.0,"mode":"fan_out","distribution":"uniform",)"
            R"("seed":9})");
  EXPECT_EQ(to_json(from_json<VarianceScaling>(to_json(written))),
            to_json(written));
  EXPECT_THROW(from_json<VarianceScaling>(R"({"mode": "fan_foo"})"),
               ValueError);
}

}  // namespace
}  // namespace snt::initializers::variance_scaling_test
