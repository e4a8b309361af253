#include "sonnet/kernels/convolutions/depthwise.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "sonnet/core/gradients.h"
#include "sonnet/kernels/convolutions/convolution.h"
#include "sonnet/kernels/convolutions/reference_test.h"
#include "sonnet/kernels/simd.h"
#include "sonnet/testing/expect_close.h"

namespace snt::kernels::depthwise_test {
namespace {

using at::Tensor;

// [C, 1, height, width] as a view of [height, width, C, 1], as layers have it.
Tensor weights(int64_t height, int64_t width, int64_t channels) {
  return at::randn({height, width, channels, 1}).permute({2, 3, 0, 1});
}

// `size` leaves room for some elements of the window at least; those of an axis
// of the kernel may outnumber it, and so may zeros.
ConvCase random_case(std::mt19937& random) {
  const auto pick = [&](int64_t low, int64_t high) {
    return std::uniform_int_distribution<int64_t>(low, high)(random);
  };
  const int64_t channels = pick(0, 1) == 0 ? 16 * pick(1, 4) : pick(16, 70);
  ConvCase c;
  c.window.groups = channels;
  ConvSizes x = {pick(1, 3), channels}, kernel;
  c.y_sizes = x;
  for (int64_t i = 0; i < 2; ++i) {
    kernel.push_back(pick(1, 7));
    const int64_t stride = pick(1, 3), rate = pick(1, 3);
    const int64_t extent = (kernel.back() - 1) * rate + 1;
    const int64_t before = pick(0, extent), after = pick(0, extent);
    const int64_t size = std::max<int64_t>(1, extent - before - after) +
                         (pick(0, 3) == 0 ? pick(0, 40) : pick(0, 6));
    c.window.stride.push_back(stride);
    c.window.rate.push_back(rate);
    c.window.before.push_back(before);
    c.window.after.push_back(after);
    x.push_back(size);
    c.y_sizes.push_back((size + before + after - extent) / stride + 1);
  }
  c.x = random_channels_last(x).requires_grad_();
  c.w = weights(kernel[0], kernel[1], channels).detach().requires_grad_();
  if (pick(0, 1) == 0) c.b = at::randn({channels}).requires_grad_();
  return c;
}

Tensor fast(const ConvCase& c) {
  return convolution(c.x, c.w, c.b, c.window, c.y_sizes);
}
void expect_definition(const ConvCase& c) {
  ASSERT_TRUE(takes_convolution(c.x, c.w, c.b));
  ASSERT_TRUE(is_depthwise(c.w, c.window));
  const Tensor y = fast(c), want = slow_convolution(c);
  const double taps = 1.0 * c.w.numel() / c.w.size(0);
  expect_sum(y, want, taps);
  const Tensor dy = random_channels_last(c.y_sizes);
  const auto leaves = leaves_of(c);
  const auto got = gradients((y * dy).sum(), leaves);
  const auto wanted = gradients((want * wide(dy)).sum(), leaves);
  const double places = 1.0 * y.numel() / y.size(1);
  for (size_t i = 0; i < leaves.size(); ++i) {
    expect_sum(got[i], wanted[i], i == 0 ? taps : places);
  }
  EXPECT_EQ(got[1].strides(), c.w.strides());  // No copy on the way to it.
}

TEST(Depthwise, RandomShapesAgainstFloat64OnAllInstructionSets) {
  for (const int level : {0, 1, 2}) {
    limit_isa_level(level);
    std::mt19937 random(7);
    for (int64_t i = 0; i < 100; ++i) {
      SCOPED_TRACE(level * 1000 + i);
      expect_definition(random_case(random));
    }
  }
  limit_isa_level(2);
}

TEST(Depthwise, TransposeAgainstFloat64) {
  std::mt19937 random(8);
  for (int64_t i = 0; i < 40; ++i) {
    SCOPED_TRACE(i);
    ConvCase c = random_case(random);
    c.b = Tensor();
    const Tensor y = random_channels_last(c.y_sizes).requires_grad_();
    const Tensor x = convolution_transpose(y, c.w, {}, c.window, c.x.sizes());
    const Tensor wide_y = wide(y), wide_w = wide(c.w);
    ConvCase linear = c;
    linear.x = at::zeros(c.x.sizes(), at::kDouble).requires_grad_();
    linear.w = wide_w;
    const Tensor want = torch::autograd::grad(
        {slow_convolution(linear)}, {linear.x}, {wide_y}, true, true)[0];
    expect_sum(x, want, 1.0 * c.w.numel() / c.w.size(0));
    const Tensor dx = random_channels_last(c.x.sizes().vec());
    const auto got = gradients((x * dx).sum(), std::vector<Tensor>{y, c.w});
    const auto wanted =
        gradients((want * wide(dx)).sum(), std::vector<Tensor>{y, c.w});
    expect_sum(got[0], wanted[0], 1.0 * c.w.numel() / c.w.size(0));
    expect_sum(got[1], wanted[1], 1.0 * x.numel() / x.size(1));
  }
}

TEST(Depthwise, SecondDerivatives) {
  std::mt19937 random(9);
  for (int64_t i = 0; i < 6; ++i) {
    SCOPED_TRACE(i);
    const ConvCase c = random_case(random);
    const auto leaves = leaves_of(c);
    const auto twice = [&](const Tensor& y) {
      const auto first =
          torch::autograd::grad({y.pow(3).sum()}, {c.x, c.w}, {}, true, true);
      return gradients(first[0].square().sum() + first[1].square().sum(),
                       leaves);
    };
    const auto got = twice(fast(c)), wanted = twice(slow_convolution(c));
    for (size_t k = 0; k < leaves.size(); ++k) {
      const double size = wanted[k].abs().max().item<double>() + 1;
      expect_close(got[k] / size, wanted[k] / size, 20);
    }
  }
}

// That of a sum, one in channels first, and those of some arguments only.
TEST(Depthwise, GradientsInAnyOrderAndOnlyThoseWanted) {
  std::mt19937 random(10);
  for (int64_t i = 0; i < 10; ++i) {
    SCOPED_TRACE(i);
    ConvCase c = random_case(random);
    c.b = at::randn({c.w.size(0)}).requires_grad_();
    const double terms = 1.0 * slow_convolution(c).numel();
    const auto all = gradients(fast(c).sum(), leaves_of(c));
    const auto wanted = gradients(slow_convolution(c).sum(), leaves_of(c));
    for (size_t k = 0; k < 3; ++k) expect_sum(all[k], wanted[k], terms);

    const Tensor dy = at::randn(c.y_sizes);
    const auto each =
        gradients((slow_convolution(c) * wide(dy)).sum(), leaves_of(c));
    for (size_t k = 0; k < 3; ++k) {
      ConvCase one = c;
      if (k != 0) one.x = c.x.detach();
      if (k != 1) one.w = c.w.detach();
      if (k != 2) one.b = c.b.detach();
      const Tensor leaf = leaves_of(c)[k];
      expect_sum(gradients((fast(one) * dy).sum(), leaf), each[k], terms);
    }
  }
}

TEST(Depthwise, ResultsDoNotDependOnTheNumberOfThreads) {
  const int before = at::get_num_threads();
  ConvCase c;
  c.window = {{1, 1}, {1, 1}, {1, 1}, {1, 1}, 40};
  c.y_sizes = {3, 40, 50, 41};
  c.x = random_channels_last(c.y_sizes).requires_grad_();
  c.w = weights(3, 3, 40).detach().requires_grad_();
  c.b = at::randn({40}).requires_grad_();
  std::vector<std::vector<Tensor>> results;
  for (const int threads : {1, 2, 3}) {
    at::set_num_threads(threads);
    const Tensor y = fast(c);
    results.push_back(gradients(y.square().sum(), leaves_of(c)));
    results.back().push_back(y);
  }
  at::set_num_threads(before);
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_TRUE(at::equal(results[0][i], results[1][i]));
    EXPECT_TRUE(at::equal(results[0][i], results[2][i]));
  }
  expect_definition(c);
}

TEST(Depthwise, NumbersThatAreNoneStayWhereTheyAre) {
  const float inf = std::numeric_limits<float>::infinity();
  const ConvWindow window = {{1, 1}, {1, 1}, {1, 1}, {1, 1}, 16};
  const Tensor x = random_channels_last({1, 16, 4, 4}).fill_(1);
  x[0][3][0][0] = inf;
  x[0][4][3][3] = NAN;
  const Tensor w = weights(3, 3, 16).detach().fill_(2).requires_grad_();
  const Tensor y = convolution(x, w, {}, window, {1, 16, 4, 4});
  EXPECT_EQ((y == inf).sum().item<int64_t>(), 4);
  EXPECT_EQ(y.isnan().sum().item<int64_t>(), 4);
  const Tensor dw = gradients(y.sum(), w);
  EXPECT_EQ((dw == inf).sum().item<int64_t>(), 4);  // Not where zeros are.
  EXPECT_EQ(dw.isnan().sum().item<int64_t>(), 4);
}

TEST(Depthwise, WhatIsLeftToOthers) {
  ConvWindow window = {{1, 1}, {0, 0}, {0, 0}, {1, 1}, 16};
  EXPECT_TRUE(is_depthwise(at::ones({16, 1, 3, 3}), window));
  EXPECT_FALSE(is_depthwise(at::ones({32, 1, 3, 3}), window));
  EXPECT_FALSE(is_depthwise(at::ones({16, 2, 3, 3}), window));
  EXPECT_FALSE(is_depthwise(at::ones({16, 1, 3}), window));
  window.groups = 15;
  EXPECT_FALSE(is_depthwise(at::ones({15, 1, 3, 3}), window));
}

}  // namespace
}  // namespace snt::kernels::depthwise_test
