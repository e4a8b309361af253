#include "sonnet/layers/gradient.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "sonnet/core/errors.h"
#include "sonnet/core/gradients.h"
#include "sonnet/testing/expect_close.h"
#include "sonnet/testing/message_of.h"
#include "sonnet/testing/uneven.h"

namespace snt::gradient_test {
namespace {

using Sizes = std::vector<int64_t>;

const std::vector<Sizes> kShapes = {{}, {0}, {1}, {3}, {2, 0, 3}, {2, 1, 3, 2}};
const std::vector<at::ScalarType> kDtypes = {at::kFloat, at::kDouble, at::kHalf,
                                             at::kBFloat16};

// The gradient of sum(f(t) * dy).
template <class F>
at::Tensor pulled_back(const F& f, const at::Tensor& t, const at::Tensor& dy) {
  const at::Tensor leaf = t.detach().requires_grad_();
  return snt::gradients((f(leaf) * dy).sum(), leaf);
}

TEST(ScaleGradientTest, IdentityWithAnotherGradient) {
  for (const Sizes& shape : kShapes) {
    for (at::ScalarType dtype : kDtypes) {
      for (double scale : {0.0, 1.0, 0.5, -2.0}) {
        const at::Tensor t = uneven(shape, dtype);
        const at::Tensor dy = uneven(shape, dtype, 1);
        EXPECT_TRUE(at::equal(scale_gradient(t, scale), t));
        EXPECT_TRUE(at::equal(
            pulled_back([&](auto& x) { return scale_gradient(x, scale); }, t,
                        dy),
            scale * dy));
      }
    }
  }
}

// Two scales are one, their product.
TEST(ScaleGradientTest, Composes) {
  const at::Tensor t = uneven({4});
  const at::Tensor dy = uneven({4}, at::kDouble, 1);
  const auto twice = [](const at::Tensor& x) {
    return scale_gradient(scale_gradient(x, -3), 0.25);
  };
  expect_close(pulled_back(twice, t, dy), -0.75 * dy);
}

// With y = x^2 and a scale s: s 2 x, and again s 2 s: each pass is scaled.
TEST(ScaleGradientTest, DoubleBackward) {
  const at::Tensor x = uneven({3}).requires_grad_();
  const at::Tensor y = scale_gradient(x, 0.5).square();
  const at::Tensor first = snt::gradients(y.sum(), x, {.create_graph = true});
  expect_close(first, x);
  const at::Tensor second = snt::gradients(first.sum(), x);
  expect_close(second, at::full({3}, 0.5));
}

TEST(ScaleGradientTest, ChangesNothingOfItsInput) {
  const at::Tensor x = uneven({3}).requires_grad_();
  const at::Tensor y = scale_gradient(x, 0);
  EXPECT_FALSE(y.is_same(x));
  EXPECT_TRUE(y.requires_grad());
  expect_close(snt::gradients(x.sum(), x), at::ones({3}));
  const at::NoGradGuard no_grad;
  EXPECT_FALSE((1 * scale_gradient(x, 2)).requires_grad());
}

// Whether t is outside and a step along -dy would take it further out.
double slow_gradient(double t, double dy, double low, double high) {
  if (t < low && dy > 0) return 0;
  if (t > high && dy < 0) return 0;
  return dy;
}

TEST(LeakyClipByValueTest, AgainstALoop) {
  for (const Sizes& shape : kShapes) {
    for (at::ScalarType dtype : kDtypes) {
      const at::Tensor t = uneven(shape, dtype);
      const at::Tensor dy = uneven(shape, dtype, 1);
      const auto clip = [](const at::Tensor& x) {
        return leaky_clip_by_value(x, -0.25, 0.5);
      };
      const at::Tensor y = clip(t);
      const at::Tensor gradient = pulled_back(clip, t, dy);
      ASSERT_EQ(y.sizes(), t.sizes());
      ASSERT_EQ(y.scalar_type(), dtype);
      const at::Tensor ts = t.flatten().to(at::kDouble);
      const at::Tensor ys = y.flatten().to(at::kDouble);
      const at::Tensor ds = dy.flatten().to(at::kDouble);
      const at::Tensor gs = gradient.flatten().to(at::kDouble);
      for (int64_t i = 0; i < t.numel(); ++i) {
        const double value = ts[i].item<double>();
        EXPECT_EQ(ys[i].item<double>(), std::min(std::max(value, -0.25), 0.5));
        EXPECT_EQ(gs[i].item<double>(),
                  slow_gradient(value, ds[i].item<double>(), -0.25, 0.5));
      }
    }
  }
}

// All nine places of t and all signs of dy, the bounds themselves included.
TEST(LeakyClipByValueTest, EveryCase) {
  const std::vector<double> ts = {-2, -1, 0, 1, 2};
  const std::vector<double> want_up = {0, 1, 1, 1, 1};
  const std::vector<double> want_down = {-1, -1, -1, -1, 0};
  const auto clip = [](const at::Tensor& x) {
    return leaky_clip_by_value(x, -1, 1);
  };
  const at::Tensor t = at::tensor(ts, at::kDouble);
  const at::Tensor up = at::ones({5}, at::kDouble);
  expect_close(pulled_back(clip, t, up), at::tensor(want_up, at::kDouble));
  expect_close(pulled_back(clip, t, -up), at::tensor(want_down, at::kDouble));
  expect_close(pulled_back(clip, t, 0 * up), 0 * up);
}

TEST(LeakyClipByValueTest, TensorsAsBounds) {
  const at::Tensor t = uneven({2, 3}, at::kFloat);
  const at::Tensor low = at::tensor({-0.1, -0.2, -2.}, at::kDouble);
  const at::Tensor high = at::tensor({0.3, 0.4}, at::kDouble).view({2, 1});
  const at::Tensor y = leaky_clip_by_value(t, low, high);
  ASSERT_EQ(y.scalar_type(), at::kFloat);
  for (int64_t i = 0; i < 2; ++i) {
    for (int64_t j = 0; j < 3; ++j) {
      EXPECT_FLOAT_EQ(
          y[i][j].item<float>(),
          std::min(std::max(t[i][j].item<float>(), low[j].item<float>()),
                   high[i][0].item<float>()));
    }
  }
}

TEST(LeakyClipByValueTest, Errors) {
  const at::Tensor t = at::ones({2, 3});
  const at::Tensor one = at::ones({});
  EXPECT_STREQ(
      message_of([&] {
        leaky_clip_by_value(t, at::ones({4, 2, 3}), one);
      }).c_str(),
      "[leaky_clip_by_value] the bounds must broadcast to t of shape [2, 3], "
      "got shape [4, 2, 3]");
  EXPECT_STREQ(
      message_of([&] { leaky_clip_by_value(t, one, at::ones({2})); }).c_str(),
      "[leaky_clip_by_value] the bounds must broadcast to t of shape [2, 3], "
      "got shape [2]");
  EXPECT_STREQ(message_of([&] {
                 leaky_clip_by_value(at::ones({1}), one, at::ones({2}));
               }).c_str(),
               "[leaky_clip_by_value] the bounds must broadcast to t of shape "
               "[1], got shape [2]");
}

TEST(DenseGradientTest, DenseWhereSparseComesBack) {
  const at::Tensor table = uneven({4, 2}).requires_grad_();
  const at::Tensor ids = at::tensor({2, 0, 2});
  const at::Tensor y =
      at::embedding(dense_gradient(table), ids, -1, false, /*sparse=*/true);
  const at::Tensor gradient = snt::gradients(y.sum(), table);
  EXPECT_FALSE(gradient.is_sparse());
  expect_close(gradient, at::tensor({1, 1, 0, 0, 2, 2, 0, 0}).view({4, 2}),
               at::kDouble);
}

TEST(DenseGradientTest, LeavesDenseOnesAlone) {
  for (const Sizes& shape : kShapes) {
    for (at::ScalarType dtype : kDtypes) {
      const at::Tensor t = uneven(shape, dtype);
      const at::Tensor dy = uneven(shape, dtype, 1);
      EXPECT_TRUE(at::equal(dense_gradient(t), t));
      EXPECT_TRUE(at::equal(
          pulled_back([](auto& x) { return dense_gradient(x); }, t, dy), dy));
    }
  }
}

}  // namespace
}  // namespace snt::gradient_test
