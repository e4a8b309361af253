#include "sonnet/kernels/convolutions/convolution.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <thread>
#include <vector>

#include "sonnet/core/gradients.h"
#include "sonnet/kernels/convolutions/reference_test.h"
#include "sonnet/kernels/switches.h"
#include "sonnet/testing/expect_close.h"

namespace snt::kernels::convolution_test {
namespace {

using at::Tensor;

// w [out, C, kernel...] as a view of [kernel..., C, out], as layers have it.
Tensor weights(const ConvSizes& sizes) {
  ConvSizes kept(sizes.begin() + 2, sizes.end());
  kept.insert(kept.end(), {sizes[1], sizes[0]});
  return at::randn(kept).movedim({-1, -2}, {0, 1});
}

ConvCase random_case(std::mt19937& random, bool is_small) {
  const auto pick = [&](int64_t low, int64_t high) {
    return std::uniform_int_distribution<int64_t>(low, high)(random);
  };
  const int64_t dims = pick(1, 3), batch = pick(1, 3);
  const int64_t most = is_small ? 3 : dims == 3 ? 18 : 40;
  ConvCase c;
  c.window.groups = pick(0, 2) == 0 ? pick(1, 4) : 1;
  const int64_t in = pick(1, most), out = pick(1, most);
  ConvSizes x = {batch, in * c.window.groups};
  ConvSizes w = {out * c.window.groups, in};
  c.y_sizes = {batch, w[0]};
  for (int64_t i = 0; i < dims; ++i) {
    const int64_t kernel = pick(1, 4), stride = pick(1, 3);
    const int64_t rate = stride == 1 ? pick(1, 2) : 1;
    const int64_t extent = (kernel - 1) * rate + 1;
    const int64_t before = pick(0, kernel - 1), after = pick(0, kernel - 1);
    const int64_t size =
        std::max<int64_t>(1, extent - before - after) + pick(0, 8);
    c.window.stride.push_back(stride);
    c.window.rate.push_back(rate);
    c.window.before.push_back(before);
    c.window.after.push_back(after);
    x.push_back(size);
    w.push_back(kernel);
    c.y_sizes.push_back((size + before + after - extent) / stride + 1);
  }
  c.x = random_channels_last(x).requires_grad_();
  c.w = weights(w).detach().requires_grad_();
  if (pick(0, 1) == 0) c.b = at::randn({w[0]}).requires_grad_();
  return c;
}

void expect_definition(const ConvCase& c) {
  ASSERT_TRUE(takes_convolution(c.x, c.w, c.b));
  const Tensor y = convolution(c.x, c.w, c.b, c.window, c.y_sizes);
  const Tensor want = slow_convolution(c);
  expect_sum(y, want, 1.0 * c.w.numel() / c.w.size(0));
  const Tensor dy = at::randn_like(y);
  const auto leaves = leaves_of(c);
  const auto got = gradients((y * dy).sum(), leaves);
  const auto wanted = gradients((want * wide(dy)).sum(), leaves);
  for (size_t i = 0; i < leaves.size(); ++i) {
    EXPECT_EQ(got[i].sizes(), leaves[i].sizes());
    expect_sum(got[i], wanted[i], 1.0 * y.numel() / leaves[i].size(0));
  }
  EXPECT_EQ(got[1].strides(), c.w.strides());  // No copy on the way to it.
}

TEST(Convolution, RandomShapesAgainstFloat64) {
  std::mt19937 random(7);
  for (int64_t i = 0; i < 150; ++i) {
    SCOPED_TRACE(i);
    expect_definition(random_case(random, /*is_small=*/i % 3 == 0));
  }
}

// The kernel with one element and a stride, where oneDNN's own gradient of the
// weights is wrong for few channels.
TEST(Convolution, KernelsOfOneElement) {
  for (const int64_t in : {1, 2, 3, 4, 5, 7, 8, 16, 33}) {
    for (const int64_t stride : {1, 2, 3}) {
      SCOPED_TRACE(in);
      ConvCase c;
      c.window = {{stride, stride}, {0, 0}, {0, 0}, {1, 1}, 1};
      c.y_sizes = {2, 6, (9 + stride - 1) / stride, (7 + stride - 1) / stride};
      c.x = random_channels_last({2, in, 9, 7}).requires_grad_();
      c.w = weights({6, in, 1, 1}).detach().requires_grad_();
      c.b = at::randn({6}).requires_grad_();
      expect_definition(c);
    }
  }
}

TEST(Convolution, TransposeAgainstFloat64) {
  std::mt19937 random(8);
  for (int64_t i = 0; i < 80; ++i) {
    SCOPED_TRACE(i);
    const ConvCase c = random_case(random, i % 3 == 0);
    const Tensor y = random_channels_last(c.y_sizes).requires_grad_();
    const Tensor b = at::randn({c.x.size(1)}).requires_grad_();
    ASSERT_TRUE(takes_convolution(y, c.w, b));
    const Tensor x = convolution_transpose(y, c.w, b, c.window, c.x.sizes());
    const Tensor dx = at::randn_like(x);
    ConvSizes broadcast(x.dim() - 1, 1);
    broadcast[0] = -1;
    const Tensor want = slow_transpose(y, c) + wide(b).view(broadcast);
    const double terms = 1.0 * c.w.numel() / c.w.size(1);
    expect_sum(x, want, terms);
    const std::vector<Tensor> leaves = {y, c.w, b};
    const auto got = gradients((x * dx).sum(), leaves);
    const auto wanted = gradients((want * wide(dx)).sum(), leaves);
    for (size_t k = 0; k < leaves.size(); ++k) {
      expect_sum(got[k], wanted[k], 1.0 * x.numel() / leaves[k].size(0));
    }
  }
}

TEST(Convolution, SecondDerivatives) {
  std::mt19937 random(9);
  for (int64_t i = 0; i < 12; ++i) {
    SCOPED_TRACE(i);
    const ConvCase c = random_case(random, /*is_small=*/true);
    const auto leaves = leaves_of(c);
    const auto twice = [&](const Tensor& y) {
      const auto first =
          torch::autograd::grad({y.pow(3).sum()}, {c.x, c.w}, {}, true, true);
      return gradients(first[0].square().sum() + first[1].square().sum(),
                       leaves);
    };
    const auto got = twice(convolution(c.x, c.w, c.b, c.window, c.y_sizes));
    const auto wanted = twice(slow_convolution(c));
    for (size_t k = 0; k < leaves.size(); ++k) {
      const double size = wanted[k].abs().max().item<double>() + 1;
      expect_close(got[k] / size, wanted[k] / size, 20);
    }
    const Tensor y = random_channels_last(c.y_sizes).requires_grad_();
    const auto transposed_twice = [&](const Tensor& x) {
      const auto first =
          torch::autograd::grad({x.pow(3).sum()}, {y, c.w}, {}, true, true);
      return gradients(first[0].square().sum() + first[1].square().sum(),
                       std::vector<Tensor>{y, c.w});
    };
    const auto got_x = transposed_twice(
        convolution_transpose(y, c.w, {}, c.window, c.x.sizes()));
    const auto wanted_x = transposed_twice(slow_transpose(y, c));
    for (size_t k = 0; k < 2; ++k) {
      const double size = wanted_x[k].abs().max().item<double>() + 1;
      expect_close(got_x[k] / size, wanted_x[k] / size, 20);
    }
  }
}

TEST(Convolution, GradientsInAnyOrderAndOnlyThoseWanted) {
  std::mt19937 random(10);
  const ConvCase c = random_case(random, false);
  const auto y = [&](const Tensor& x, const Tensor& w) {
    return convolution(x, w, {}, c.window, c.y_sizes);
  };
  const double terms = 1.0 * slow_convolution(c).numel();
  // One number for all, and channels first.
  const Tensor all = gradients(y(c.x, c.w).sum(), c.x);
  expect_sum(all, gradients(slow_convolution(c).sum(), c.x), terms);
  const Tensor dy = at::randn(c.y_sizes);
  const Tensor only_w = gradients((y(c.x.detach(), c.w) * dy).sum(), c.w);
  expect_sum(only_w, gradients((slow_convolution(c) * wide(dy)).sum(), c.w),
             terms);
  const Tensor only_x = gradients((y(c.x, c.w.detach()) * dy).sum(), c.x);
  expect_sum(only_x, gradients((slow_convolution(c) * wide(dy)).sum(), c.x),
             terms);
}

TEST(Convolution, WithWhatFollows) {
  std::mt19937 random(11);
  int64_t taken = 0;
  for (int64_t i = 0; i < 60; ++i) {
    SCOPED_TRACE(i);
    const ConvCase c = random_case(random, i % 3 == 0);
    const at::NoGradGuard no_grad;
    AfterConvolution after = {at::randn({c.w.size(0)}),
                              at::randn({c.w.size(0)}), Tensor(), i % 2 == 0};
    if (i % 4 < 2) after.addend = random_channels_last(c.y_sizes);
    const Tensor y = convolution_then(c.x.detach(), c.w.detach(), after,
                                      c.window, c.y_sizes);
    if (!y.defined()) continue;
    ++taken;
    ConvSizes broadcast(c.x.dim() - 1, 1);
    broadcast[0] = -1;
    ConvCase plain = c;
    plain.b = Tensor();
    Tensor want = slow_convolution(plain) * wide(after.factor).view(broadcast) +
                  wide(after.shift).view(broadcast);
    if (after.addend.defined()) want = want + wide(after.addend);
    if (after.relu) want = want.relu();
    expect_sum(y, want, 1.0 * c.w.numel() / c.w.size(0));
  }
  EXPECT_GE(taken, 30);
}

TEST(Convolution, WhatIsLeftToLibtorch) {
  const Tensor w = weights({3, 2, 3, 3});
  const Tensor x = random_channels_last({1, 2, 5, 5});
  EXPECT_TRUE(takes_convolution(x, w, {}));
  EXPECT_TRUE(takes_convolution(x, w.contiguous(), {}));
  EXPECT_FALSE(takes_convolution(x.contiguous(), w, {}));
  EXPECT_FALSE(takes_convolution(x.to(at::kDouble), w, {}));
  EXPECT_FALSE(takes_convolution(x, w.to(at::kDouble), {}));
  EXPECT_FALSE(takes_convolution(x.slice(3, 0, 4), w, {}));
  EXPECT_FALSE(takes_convolution(at::empty({0, 2, 5, 5}), w, {}));
  EXPECT_FALSE(takes_convolution(x, w, at::ones({3}, at::kDouble)));
  switches().fast_convolutions = false;
  EXPECT_FALSE(takes_convolution(x, w, {}));
  switches().fast_convolutions = true;
}

TEST(Convolution, NumbersThatAreNone) {
  const float inf = std::numeric_limits<float>::infinity();
  const ConvWindow window = {{1}, {0}, {0}, {1}, 1};
  const Tensor w = weights({1, 1, 1}).fill_(2);
  const Tensor x = random_channels_last({1, 1, 5});
  x.copy_(at::tensor({NAN, inf, -inf, 1e-39F, 1.0F}).view({1, 1, 5}));
  const Tensor y = convolution(x, w, {}, window, {1, 1, 5}).flatten();
  EXPECT_TRUE(std::isnan(y[0].item<float>()));
  EXPECT_EQ(y[1].item<float>(), inf);
  EXPECT_EQ(y[2].item<float>(), -inf);
  EXPECT_EQ(y[3].item<float>(), 2 * 1e-39F);
}

// The same and other shapes at a time: plans are shared.
TEST(Convolution, ThreadsShareThePlans) {
  std::vector<ConvCase> cases;
  std::mt19937 random(12);
  for (int64_t i = 0; i < 6; ++i) cases.push_back(random_case(random, true));
  std::vector<Tensor> wanted;
  for (const ConvCase& c : cases)
    wanted.push_back(slow_convolution(c).detach());
  std::vector<std::thread> threads;
  std::vector<int> failures(4, 0);
  for (size_t t = 0; t < failures.size(); ++t) {
    threads.emplace_back([&, t] {
      for (size_t i = 0; i < 60; ++i) {
        const ConvCase& c = cases[(i + t) % cases.size()];
        const Tensor y = convolution(c.x, c.w, c.b, c.window, c.y_sizes);
        const Tensor& want = wanted[(i + t) % cases.size()];
        const double off = (wide(y) - want).abs().max().item<double>();
        failures[t] += off > 1e-4 ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failures, std::vector<int>(4, 0));
}

}  // namespace
}  // namespace snt::kernels::convolution_test
