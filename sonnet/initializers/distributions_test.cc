#include "sonnet/initializers/distributions.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sonnet/core/errors.h"
#include "sonnet/core/initializer.h"
#include "sonnet/core/options.h"
#include "sonnet/core/random.h"

namespace snt::initializers::distributions_test {
namespace {

using testing::ThrowsMessage;

constexpr std::array kFloatingDtypes = {at::kFloat, at::kDouble, at::kHalf,
                                        at::kBFloat16};

std::vector<Initializer> standard_initializers() {
  return {RandomUniform{-1, 1}, RandomNormal{}, TruncatedNormal{}};
}

constexpr double kInfinity = std::numeric_limits<double>::infinity();

double normal_cdf(double z) { return 0.5 * std::erfc(-z / std::sqrt(2.0)); }

double truncated_cdf(double z) {
  return (normal_cdf(z) - normal_cdf(-2)) / (normal_cdf(2) - normal_cdf(-2));
}

// The largest distance between the empirical and the exact distribution
// function, times sqrt(n).
double kolmogorov_smirnov(const at::Tensor& sample,
                          const std::function<double(double)>& cdf) {
  const at::Tensor sorted =
      std::get<0>(sample.to(at::kDouble).flatten().sort()).contiguous();
  const double* x = sorted.data_ptr<double>();
  const int64_t n = sorted.numel();
  double distance = 0;
  for (int64_t i = 0; i < n; ++i) {
    const double exact = cdf(x[i]);
    distance = std::max({distance, exact - static_cast<double>(i) / n,
                         static_cast<double>(i + 1) / n - exact});
  }
  return distance * std::sqrt(static_cast<double>(n));
}

// P(sqrt(n) D > 3) < 2 exp(-2 3^2) = 3e-8.
constexpr double kLargestKs = 3;

// What the goldens facts_NAME.json expect of 1000 tensors.
struct Facts {
  const char* name;
  Initializer initializer;
  std::vector<int64_t> shape;
  double mean;
  double std;
  double kurtosis;  // Fourth central moment / std^4.
  double lower;
  double upper;
};

// Of N(0, 1) within [-2, 2]: (3 m2 - 2 2^3 phi(2) / P) / m2^2 with
// m2 = 0.8796256610342398^2.
constexpr double kTruncatedKurtosis = 2.3654;

class FactsTest : public testing::TestWithParam<Facts> {};

// z-tests of mean and standard deviation at 6 standard errors: p_fail = 2e-9
// each.
TEST_P(FactsTest, MomentsAndBounds) {
  const Facts& facts = GetParam();
  std::vector<at::Tensor> tensors;
  for (int i = 0; i < 1000; ++i) {
    tensors.push_back(facts.initializer(facts.shape, at::kFloat));
    ASSERT_EQ(tensors.back().sizes(), at::IntArrayRef(facts.shape));
  }
  const at::Tensor sample = at::stack(tensors).to(at::kDouble).flatten();
  const double n = static_cast<double>(sample.numel());
  const double mean_error = facts.std / std::sqrt(n);
  const double std_error =
      facts.std * std::sqrt((facts.kurtosis - 1) / (4 * n));
  EXPECT_NEAR(sample.mean().item<double>(), facts.mean, 6 * mean_error);
  EXPECT_NEAR(sample.std().item<double>(), facts.std, 6 * std_error);
  EXPECT_GE(sample.min().item<double>(), facts.lower);
  EXPECT_LE(sample.max().item<double>(), facts.upper);
}

INSTANTIATE_TEST_SUITE_P(Goldens, FactsTest,
                         testing::Values(Facts{"randomnormal_1p0_0p5_10x20",
                                               RandomNormal{1.0, 0.5},
                                               {10, 20},
                                               1.0,
                                               0.5,
                                               3,
                                               -kInfinity,
                                               kInfinity},
                                         Facts{"randomnormal_3x3x4",
                                               RandomNormal{},
                                               {3, 3, 4},
                                               0,
                                               1,
                                               3,
                                               -kInfinity,
                                               kInfinity},
                                         Facts{"randomuniform_50",
                                               RandomUniform{},
                                               {50},
                                               0.5,
                                               0.2886751345948129,
                                               1.8,
                                               0,
                                               1},
                                         Facts{"randomuniform_m0p5_2p0_10x20",
                                               RandomUniform{-0.5, 2.0},
                                               {10, 20},
                                               0.75,
                                               0.7216878364870323,
                                               1.8,
                                               -0.5,
                                               2.0},
                                         Facts{"truncatednormal_40x25",
                                               TruncatedNormal{},
                                               {40, 25},
                                               0,
                                               0.8796256610342398,
                                               kTruncatedKurtosis,
                                               -2,
                                               2},
                                         Facts{"truncatednormal_m1p0_2p0_10x20",
                                               TruncatedNormal{-1.0, 2.0},
                                               {10, 20},
                                               -1.0,
                                               1.7592513220684796,
                                               kTruncatedKurtosis,
                                               -5,
                                               3}),
                         [](const auto& info) {
                           return std::string(info.param.name);
                         });

TEST(DistributionsTest, KolmogorovSmirnov) {
  for (at::ScalarType dtype : {at::kFloat, at::kDouble}) {
    EXPECT_LT(kolmogorov_smirnov(RandomUniform{2, 5}({200000}, dtype),
                                 [](double x) { return (x - 2) / 3; }),
              kLargestKs);
    EXPECT_LT(
        kolmogorov_smirnov(RandomNormal{-1, 0.1}({200000}, dtype),
                           [](double x) { return normal_cdf((x + 1) / 0.1); }),
        kLargestKs);
    EXPECT_LT(kolmogorov_smirnov(
                  TruncatedNormal{3, 0.5}({200000}, dtype),
                  [](double x) { return truncated_cdf((x - 3) / 0.5); }),
              kLargestKs);
  }
}

// The test above sees the usual mistakes: clipping, and no truncation at all.
TEST(DistributionsTest, KolmogorovSmirnovSeesMistakes) {
  const auto cdf = [](double z) {
    return truncated_cdf(std::clamp(z, -2.0, 2.0));
  };
  const at::Tensor normal = RandomNormal{}({200000});
  EXPECT_GT(kolmogorov_smirnov(normal.clamp(-2, 2), cdf), kLargestKs);
  EXPECT_GT(kolmogorov_smirnov(normal, cdf), kLargestKs);
}

// Neighbours, and what is drawn again, have nothing to do with each other:
// correlations of lag 1 and 7 at 6 standard errors, p_fail = 2e-9.
TEST(DistributionsTest, Independent) {
  const int64_t n = 200000;
  for (const Initializer& initializer : standard_initializers()) {
    const at::Tensor x = initializer({n}, at::kFloat).to(at::kDouble);
    for (int64_t lag : {1, 7}) {
      const double correlation =
          (x.slice(0, 0, n - lag) * x.slice(0, lag)).mean().item<double>() /
          x.square().mean().item<double>();
      EXPECT_LT(std::abs(correlation), 6 / std::sqrt(n - lag)) << lag;
    }
  }
}

TEST(TruncatedNormalTest, BoundsAreNeverExceeded) {
  for (at::ScalarType dtype : kFloatingDtypes) {
    for (const auto& [mean, stddev] : std::vector<std::pair<double, double>>{
             {0, 1}, {0.1, 0.3}, {-0.7, 0.01}, {5, 1e-3}, {1000, 3.3}}) {
      const at::Tensor x =
          TruncatedNormal{mean, stddev}({100000}, dtype).to(at::kDouble);
      EXPECT_GE(x.min().item<double>(), mean - 2 * stddev) << dtype << mean;
      EXPECT_LE(x.max().item<double>(), mean + 2 * stddev) << dtype << mean;
    }
  }
}

// What lies outside is drawn again until it is inside, not moved to the bounds:
// p_fail = 2e6 * 1e-9 * phi(2) / P(|z| < 2) = 1e-4 for a new seed.
TEST(TruncatedNormalTest, NothingPilesUpAtTheBounds) {
  seed(1);
  const at::Tensor x = TruncatedNormal{}({1000000}, at::kDouble);
  EXPECT_EQ(x.abs().gt(2 - 1e-9).sum().item<int64_t>(), 0);
}

TEST(RandomUniformTest, BoundsAreNeverExceeded) {
  for (at::ScalarType dtype : kFloatingDtypes) {
    for (const auto& [minval, maxval] : std::vector<std::pair<double, double>>{
             {0, 1}, {-0.1, 0.3}, {-7, -6.9}, {1000, 1012}}) {
      const at::Tensor x =
          RandomUniform{minval, maxval}({100000}, dtype).to(at::kDouble);
      EXPECT_GE(x.min().item<double>(), minval) << dtype << minval;
      EXPECT_LT(x.max().item<double>(), maxval) << dtype << minval;
    }
  }
}

// 1 - 2^-8 .. 1 would round up to 1 in bfloat16 once in 512 draws: it becomes
// the largest number below. z-test of the mean, p_fail = 2e-9 (plus 2^-17 for
// what the bound moves).
TEST(RandomUniformTest, HalfTypesKeepTheMean) {
  const int64_t n = 1000000;
  for (at::ScalarType dtype : {at::kHalf, at::kBFloat16}) {
    const double mean =
        RandomUniform{}({n}, dtype).to(at::kDouble).mean().item<double>();
    EXPECT_NEAR(mean, 0.5, 6 * std::sqrt(1 / 12.0 / n) + std::ldexp(1, -17));
  }
}

TEST(DistributionsTest, DegenerateIntervals) {
  for (at::ScalarType dtype : kFloatingDtypes) {
    const at::Tensor value = at::full({3}, 0.1, at::kDouble).to(dtype);
    EXPECT_TRUE(at::equal(RandomUniform{0.1, 0.1}({3}, dtype), value));
    EXPECT_TRUE(at::equal(RandomNormal{0.1, 0}({3}, dtype), value));
    EXPECT_TRUE(at::equal(TruncatedNormal{0.1, 0}({3}, dtype), value));
  }
}

TEST(DistributionsTest, ShapesAndDtypes) {
  for (const std::vector<int64_t>& shape : std::vector<std::vector<int64_t>>{
           {}, {0}, {1}, {4, 0, 2}, {1, 1}, {17}, {2, 3, 4, 5, 2}}) {
    for (at::ScalarType dtype : kFloatingDtypes) {
      for (const Initializer& initializer : standard_initializers()) {
        const at::Tensor x = initializer(shape, dtype);
        EXPECT_EQ(x.sizes(), at::IntArrayRef(shape));
        EXPECT_EQ(x.scalar_type(), dtype);
        EXPECT_TRUE(x.is_contiguous());
        EXPECT_TRUE(x.isfinite().all().item<bool>());
      }
    }
  }
  EXPECT_EQ(RandomUniform{}({2}).scalar_type(), at::kFloat);  // Default.
  EXPECT_EQ(RandomNormal{}({2}).scalar_type(), at::kFloat);
  EXPECT_EQ(TruncatedNormal{}({2}).scalar_type(), at::kFloat);
}

// Numbers drawn in float32 are no float64 numbers: 29 bits would be missing.
TEST(DistributionsTest, Float64HasItsOwnPrecision) {
  for (const Initializer& initializer : standard_initializers()) {
    const at::Tensor x = initializer({1000}, at::kDouble);
    EXPECT_GT((x != x.to(at::kFloat).to(at::kDouble)).sum().item<int64_t>(),
              990);
  }
}

TEST(RandomUniformTest, IntegersAreEquallyFrequent) {
  const int64_t n = 90000;
  for (at::ScalarType dtype :
       {at::kLong, at::kInt, at::kShort, at::kChar, at::kByte}) {
    const int64_t minval = dtype == at::kByte ? 1 : -3;
    const at::Tensor x =
        RandomUniform{static_cast<double>(minval),
                      static_cast<double>(minval + 9)}({n}, dtype);
    EXPECT_EQ(x.scalar_type(), dtype);
    const at::Tensor counts = at::bincount(x.to(at::kLong) - minval);
    ASSERT_EQ(counts.numel(), 9) << "lowest and highest, but not maxval";
    // Binomial: 6 standard errors, p_fail = 9 * 2e-9.
    const double error = std::sqrt(n / 9.0 * (8 / 9.0));
    for (int64_t i = 0; i < 9; ++i) {
      EXPECT_NEAR(counts[i].item<double>(), n / 9.0, 6 * error);
    }
  }
}

TEST(RandomUniformTest, IntegersMaySpanTheDtype) {
  const at::Tensor x = RandomUniform{0, 256}({20000}, at::kByte);
  EXPECT_EQ(x.min().item<int64_t>(), 0);  // p_fail = (255 / 256)^20000 = 1e-34.
  EXPECT_EQ(x.max().item<int64_t>(), 255);
  EXPECT_EQ(RandomUniform{}({5}, at::kInt).sum().item<int64_t>(), 0);
}

// Of an initializer with seed 1, with seed 2 and without.
void expect_seeds_work(const Initializer& one, const Initializer& two,
                       const Initializer& unset) {
  const auto draw = [](const Initializer& f) { return f({20}, at::kFloat); };
  seed(5);
  const at::Tensor first = draw(one);
  const at::Tensor second = draw(one);
  const at::Tensor other = draw(two);
  const at::Tensor unseeded = draw(unset);
  EXPECT_FALSE(at::equal(first, second));
  EXPECT_FALSE(at::equal(first, other));
  EXPECT_FALSE(at::equal(unseeded, draw(unset)));
  seed(5);  // Restarts all, whatever the order of the calls.
  EXPECT_TRUE(at::equal(draw(unset), unseeded));
  EXPECT_TRUE(at::equal(draw(two), other));
  EXPECT_TRUE(at::equal(draw(one), first));
  EXPECT_TRUE(at::equal(draw(one), second));
  seed(6);  // Counts for seeded ones too.
  EXPECT_FALSE(at::equal(draw(one), first));
}

TEST(DistributionsTest, Seeds) {
  expect_seeds_work(RandomUniform{.seed = 1}, RandomUniform{.seed = 2},
                    RandomUniform{});
  expect_seeds_work(RandomNormal{.seed = 1}, RandomNormal{.seed = 2},
                    RandomNormal{});
  expect_seeds_work(TruncatedNormal{.seed = 1}, TruncatedNormal{.seed = 2},
                    TruncatedNormal{});
}

TEST(DistributionsTest, Errors) {
  EXPECT_THAT(
      [] {
        RandomUniform{}({2, 2}, at::kBool);
      },
      ThrowsMessage<ValueError>(
          "[RandomUniform] Expected integer or floating point type, "
          "got <dtype: 'bool'>"));
  EXPECT_THAT(
      [] {
        RandomNormal{}({2, 2}, at::kInt);
      },
      ThrowsMessage<ValueError>(
          "[RandomNormal] Expected floating point type, got <dtype: "
          "'int32'>"));
  EXPECT_THAT(
      [] {
        TruncatedNormal{}({2, 2}, at::kInt);
      },
      ThrowsMessage<ValueError>(
          "[TruncatedNormal] Expected floating point type, got "
          "<dtype: 'int32'>"));
  EXPECT_THAT(([] {
                RandomUniform{1, 0.5}({2});
              }),
              ThrowsMessage<ValueError>(
                  "[RandomUniform] minval must be <= maxval, got 1.0 and 0.5"));
  EXPECT_THAT(([] {
                RandomUniform{2, 2}({2}, at::kInt);
              }),
              ThrowsMessage<ValueError>(
                  "[RandomUniform] minval must be < maxval for an integer "
                  "dtype, got 2.0 and 2.0"));
  EXPECT_THAT(([] {
                RandomUniform{0.5, 2}({2}, at::kInt);
              }),
              ThrowsMessage<TypeError>(
                  "[RandomUniform] minval must be an integer that int32 "
                  "holds, got 0.5"));
  EXPECT_THAT(([] {
                RandomUniform{0, 257}({2}, at::kByte);
              }),
              ThrowsMessage<TypeError>(
                  "[RandomUniform] maxval - 1 must be an integer that uint8 "
                  "holds, got 256.0"));
  EXPECT_THAT([] { RandomNormal{.stddev = -1}({2}); },
              ThrowsMessage<ValueError>(
                  "[RandomNormal] stddev must be >= 0, got -1.0"));
  EXPECT_THAT([] { TruncatedNormal{.stddev = std::nan("")}.check(); },
              ThrowsMessage<ValueError>(
                  "[TruncatedNormal] stddev must be >= 0, got nan"));
}

TEST(DistributionsTest, PrintsAndStores) {
  EXPECT_EQ(repr(RandomUniform{}), "RandomUniform()");
  EXPECT_EQ(repr(RandomUniform{.minval = -0.5, .seed = 3}),
            "RandomUniform(minval=-0.5, seed=3)");
  EXPECT_EQ(repr(RandomNormal{.mean = 1}), "RandomNormal(mean=1.0)");
  EXPECT_EQ(repr(TruncatedNormal{.stddev = 0.02}),
            "TruncatedNormal(stddev=0.02)");
  EXPECT_EQ(to_json(TruncatedNormal{.stddev = 0.5}),
            R"({"mean":0.0,"stddev":0.5,"seed":null})");

  const auto uniform =
      from_json<RandomUniform>(to_json(RandomUniform{-0.5, 2, -7}));
  EXPECT_EQ(repr(uniform), "RandomUniform(minval=-0.5, maxval=2.0, seed=-7)");
  EXPECT_THROW(from_json<TruncatedNormal>(R"({"stddev": -1})"), ValueError);
}

}  // namespace
}  // namespace snt::initializers::distributions_test
