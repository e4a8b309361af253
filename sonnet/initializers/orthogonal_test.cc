#include "sonnet/initializers/orthogonal.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "sonnet/core/errors.h"
#include "sonnet/core/options.h"
#include "sonnet/core/random.h"

namespace snt::initializers::orthogonal_test {
namespace {

using testing::ThrowsMessage;

struct Case {
  const char* name;
  std::vector<int64_t> shape;
  double gain = 1.0;
};

class OrthogonalShapesTest : public testing::TestWithParam<Case> {};

// gram[i, j] = gain^2 if i == j else 0, of the columns or, where there are
// fewer rows than columns, of the rows.
TEST_P(OrthogonalShapesTest, Gram) {
  const auto& [name, shape, gain] = GetParam();
  struct Precision {
    at::ScalarType dtype;
    double tolerance;
  };
  for (const auto& [dtype, tolerance] :
       {Precision{at::kFloat, 1e-5}, Precision{at::kDouble, 1e-13},
        Precision{at::kHalf, 4e-3}, Precision{at::kBFloat16, 3e-2}}) {
    const at::Tensor x = Orthogonal{.gain = gain}(shape, dtype);
    EXPECT_EQ(x.sizes(), at::IntArrayRef(shape));
    EXPECT_EQ(x.scalar_type(), dtype);
    EXPECT_TRUE(x.is_contiguous());
    at::Tensor w = x.to(at::kDouble).reshape({-1, shape.back()});
    if (w.size(0) < w.size(1)) w = w.t();
    double largest = 0;
    for (int64_t i = 0; i < w.size(1); ++i) {
      for (int64_t j = 0; j < w.size(1); ++j) {
        const double gram =
            (w.select(1, i) * w.select(1, j)).sum().item<double>();
        largest =
            std::max(largest, std::abs(gram - (i == j ? gain * gain : 0)));
      }
    }
    EXPECT_LE(largest, tolerance * std::max(1.0, gain * gain)) << dtype;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, OrthogonalShapesTest,
    testing::Values(Case{"One", {1, 1}}, Case{"Row", {1, 6}, 3.0},
                    Case{"Column", {6, 1}, 0.5}, Case{"Square", {10, 10}},
                    Case{"Tall", {9, 4}}, Case{"WideGain", {3, 8}, 2.0},
                    Case{"Conv", {3, 2, 4, 5}, 0.5}, Case{"Wide3D", {2, 2, 9}},
                    Case{"Rank5", {1, 2, 1, 3, 4}, -1.5}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(OrthogonalTest, DefaultDtypeIsFloat32) {
  EXPECT_EQ(Orthogonal{}({3, 2}).scalar_type(), at::kFloat);
}

TEST(OrthogonalTest, EmptyShapes) {
  for (const std::vector<int64_t>& shape :
       {std::vector<int64_t>{0, 3}, {3, 0}, {2, 0, 4}, {0, 0}}) {
    EXPECT_EQ(Orthogonal{}(shape).sizes(), at::IntArrayRef(shape));
  }
}

// A uniform orthogonal matrix of size n has entries of mean 0 and variance 1 /
// n, and its trace has mean 0 and variance 1. QR without the signs prefers
// negative diagonals: the mean of the trace would be about -1.6 for n = 4.
// z-tests at 6 standard errors, p_fail = 2e-9 each.
TEST(OrthogonalTest, Uniform) {
  const int64_t n = 4;
  const int count = 1000;
  double sum = 0;
  double trace = 0;
  double trace_square = 0;
  for (int i = 0; i < count; ++i) {
    const at::Tensor x = Orthogonal{}({n, n});
    const double t = x.trace().item<double>();
    sum += x[0][1].item<double>() + x[2][3].item<double>();
    trace += t;
    trace_square += t * t;
  }
  EXPECT_LT(std::abs(sum / (2 * count)), 6 * std::sqrt(0.25 / (2 * count)));
  EXPECT_LT(std::abs(trace / count), 6 / std::sqrt(count));
  // The fourth moment of the trace is 3, so that of the square has variance 2.
  EXPECT_NEAR(trace_square / count, 1, 6 * std::sqrt(2.0 / count));
}

TEST(OrthogonalTest, KeepsLengths) {
  const at::Tensor x = at::randn({5, 7}, at::kDouble);
  const at::Tensor y = at::matmul(x, Orthogonal{}({7, 11}, at::kDouble));
  EXPECT_TRUE(at::allclose(x.norm(2, {1}), y.norm(2, {1})));
}

TEST(OrthogonalTest, Seeds) {
  const std::vector<int64_t> shape = {2, 6};
  seed(5);
  const at::Tensor first = Orthogonal{.seed = 1}(shape);
  const at::Tensor second = Orthogonal{.seed = 1}(shape);
  const at::Tensor unseeded = Orthogonal{}(shape);
  EXPECT_FALSE(at::equal(first, second));
  EXPECT_FALSE(at::equal(first, Orthogonal{.seed = 2}(shape)));
  seed(5);
  EXPECT_TRUE(at::equal(Orthogonal{}(shape), unseeded));
  EXPECT_TRUE(at::equal(Orthogonal{.seed = 1}(shape), first));
  EXPECT_TRUE(at::equal(Orthogonal{.seed = 1}(shape), second));
}

TEST(OrthogonalTest, Errors) {
  EXPECT_THAT(
      [] {
        Orthogonal{}({2, 2}, at::kInt);
      },
      ThrowsMessage<ValueError>(
          "[Orthogonal] Expected floating point type, got <dtype: "
          "'int32'>"));
  EXPECT_THAT([] { Orthogonal{}({2}); },
              ThrowsMessage<ValueError>(
                  "[Orthogonal] The tensor to initialize must be at least "
                  "two-dimensional, got shape [2]"));
}

TEST(OrthogonalTest, PrintsAndStores) {
  EXPECT_EQ(repr(Orthogonal{}), "Orthogonal()");
  EXPECT_EQ(repr(Orthogonal{2, 4}), "Orthogonal(gain=2.0, seed=4)");
  const auto read = from_json<Orthogonal>(to_json(Orthogonal{2, 4}));
  EXPECT_EQ(read.gain, 2);
  EXPECT_EQ(read.seed, 4);
}

}  // namespace
}  // namespace snt::initializers::orthogonal_test
