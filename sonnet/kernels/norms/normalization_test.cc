#include "sonnet/kernels/norms/normalization.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <thread>
#include <vector>

#include "sonnet/core/gradients.h"
#include "sonnet/kernels/simd.h"
#include "sonnet/testing/expect_close.h"

namespace snt::kernels::normalization_test {
namespace {

using at::Tensor;

// By the definition, in float64.
Tensor slow(const Tensor& x, const Tensor& scale, const Tensor& offset,
            const NormShape& s, double eps) {
  const Tensor grouped =
      x.to(at::kDouble).reshape({s.outer, s.pixels, s.groups, s.width});
  const Tensor mean = grouped.mean({1, 3}, true);
  const Tensor variance = (grouped - mean).square().mean({1, 3}, true);
  Tensor y = ((grouped - mean) / (variance + eps).sqrt())
                 .reshape({s.outer, s.pixels, s.groups * s.width});
  if (scale.defined()) y = y * scale.to(at::kDouble);
  if (offset.defined()) y = y + offset.to(at::kDouble);
  return y.reshape(x.sizes());
}

// Shapes for every way through the kernel: rows with moments of their own,
// whole samples, pieces of samples; vectors that are full and not.
const std::vector<NormShape>& shapes() {
  static const std::vector<NormShape> all = {
      {700, 1, 1, 64}, {3, 1, 1, 37},    {1, 1, 1, 8},     {5, 9, 1, 7},
      {4, 50, 3, 5},   {6, 33, 17, 1},   {1, 3000, 19, 1}, {2, 40, 1, 2000},
      {1, 9, 4, 1},    {1, 70000, 4, 1}, {2, 2500, 16, 2}, {9, 8, 1, 4},
  };
  return all;
}

struct Given {
  Tensor x, scale, offset;
};
Given given(const NormShape& s, bool parameters) {
  const int64_t channels = s.groups * s.width;
  const auto leaf = [](const Tensor& t) { return t.requires_grad_(); };
  Given g{leaf(at::randn({s.outer, s.pixels, channels}) * 2 + 3), {}, {}};
  if (parameters) {
    g.scale = leaf(at::randn({channels}));
    g.offset = leaf(at::randn({channels}));
  }
  return g;
}

// Compares sums of numbers of x, each of about 1, by how many they are.
void expect_sums(const Tensor& got, const Tensor& want, const Tensor& x) {
  const double size = static_cast<double>(x.numel()) / got.numel();
  expect_close(got / size, want / size, 10);
}

void expect_definition(const NormShape& s, bool parameters) {
  const auto [x, scale, offset] = given(s, parameters);
  ASSERT_TRUE(takes_normalization(x, scale, offset, s));
  const Normalized got = normalize_channels(x, scale, offset, s, 1e-3);
  const Tensor want = slow(x, scale, offset, s, 1e-3);
  expect_close(got.y, want, 10);
  if (got.variance.defined()) {
    const Tensor grouped =
        x.to(at::kDouble).view({s.outer, s.pixels, s.groups, s.width});
    expect_close(got.mean, grouped.mean({1, 3}), 10);
    expect_close(got.variance, grouped.var({1, 3}, /*unbiased=*/false), 10);
  }

  std::vector<Tensor> leaves = {x};
  if (parameters) leaves.insert(leaves.end(), {scale, offset});
  const Tensor dy = at::randn_like(x);
  const auto gradients_got = gradients((got.y * dy).sum(), leaves);
  const auto gradients_want = gradients((want * dy).sum(), leaves);
  for (size_t i = 0; i < leaves.size(); ++i) {
    expect_sums(gradients_got[i], gradients_want[i], x);
  }
}

TEST(Normalization, IsTheDefinition) {
  for (const int level : {0, 1, 2}) {
    limit_isa_level(level);
    for (const NormShape& s : shapes()) {
      SCOPED_TRACE(testing::Message()
                   << level << ": " << s.outer << " " << s.pixels << " "
                   << s.groups << " " << s.width);
      expect_definition(s, true);
      expect_definition(s, false);
    }
  }
  limit_isa_level(2);
}

// Numbers around 0 may round to either side of the relu: the slow one takes the
// side of the fast one.
TEST(Normalization, WithReluAndAddend) {
  for (const NormShape& s : shapes()) {
    for (const bool relu : {false, true}) {
      for (const bool adds : {false, true}) {
        for (const bool parameters : {false, true}) {
          const auto [x, scale, offset] = given(s, parameters);
          const AfterNorm after = {
              adds ? at::randn_like(x).requires_grad_() : Tensor(), relu};
          const Tensor y =
              normalize_channels(x, scale, offset, s, 1e-3, after).y;
          Tensor want = slow(x, scale, offset, s, 1e-3);
          if (adds) want = want + after.addend;
          expect_close(y, relu ? want.relu() : want, 10);
          if (relu) want = want * (y > 0);
          std::vector<Tensor> leaves = {x};
          if (parameters) leaves.insert(leaves.end(), {scale, offset});
          if (adds) leaves.push_back(after.addend);
          const Tensor dy = at::randn_like(x);
          const auto got = gradients((y * dy).sum(), leaves);
          const auto wanted = gradients((want * dy).sum(), leaves);
          for (size_t i = 0; i < leaves.size(); ++i) {
            expect_sums(got[i], wanted[i], x);
          }
        }
      }
    }
  }
}

TEST(Normalization, ReluKeepsNaN) {
  const NormShape s = {1, 10, 4, 1};
  const Tensor x = at::randn({1, 10, 4});
  x[0][4][2] = NAN;
  const Tensor addend = at::zeros_like(x);
  for (const AfterNorm& after :
       {AfterNorm{{}, true}, AfterNorm{addend, true}}) {
    const Tensor y = normalize_channels(x, {}, {}, s, 1e-5, after).y;
    EXPECT_EQ(y.isnan().sum().item<int64_t>(), 10);
  }
}

// Sums of one number for all, only some wanted, and a second derivative.
TEST(Normalization, OtherGradientsBehindARelu) {
  const NormShape s = {1, 40, 6, 1};
  const auto [x, scale, offset] = given(s, true);
  const Tensor addend = at::randn_like(x).requires_grad_();
  const auto fast = [&](const Tensor& x, const Tensor& addend) {
    return normalize_channels(x, scale, offset, s, 1e-3, {addend, true}).y;
  };
  const auto by_hand = [&](const Tensor& x, const Tensor& addend) {
    const Tensor y = slow(x, scale, offset, s, 1e-3);
    return (addend.defined() ? y + addend : y).relu();
  };
  for (const Tensor& added : {Tensor(), addend}) {
    expect_sums(gradients(fast(x, added).sum(), scale),
                gradients(by_hand(x, added).sum(), scale), x);
    const auto second = [&](const auto& f) {
      const Tensor loss = f(x, added).pow(3).sum();
      const Tensor first =
          torch::autograd::grad({loss}, {x}, {}, true, true)[0];
      return gradients(first.square().sum(), {x, scale});
    };
    const auto got = second(fast), want = second(by_hand);
    for (int i = 0; i < 2; ++i) {
      const double size = want[i].abs().max().item<double>() + 1;
      expect_close(got[i] / size, want[i] / size, 100);
    }
  }
  const Tensor constant = x.detach();
  expect_sums(gradients(fast(constant, addend).square().sum(), addend),
              gradients(by_hand(constant, addend).square().sum(), addend),
              x[0][0]);
}

// The gradient of a sum is one number, seen as an array.
TEST(Normalization, GradientsOfASum) {
  for (const NormShape& s : {shapes()[0], shapes()[4], shapes()[6]}) {
    const auto [x, scale, offset] = given(s, true);
    const auto got = gradients(
        normalize_channels(x, scale, offset, s, 1e-5).y.sum(), {x, scale});
    const auto want =
        gradients(slow(x, scale, offset, s, 1e-5).sum(), {x, scale});
    for (int i = 0; i < 2; ++i) expect_sums(got[i], want[i], x);
  }
}

TEST(Normalization, GradientsOnlyWhereWanted) {
  const NormShape s = {4, 20, 2, 4};
  auto [x, scale, offset] = given(s, true);
  const Tensor constant = x.detach();
  const Tensor y = normalize_channels(constant, scale, offset, s, 1e-5).y;
  const auto got = gradients(y.square().sum(), {scale});
  const auto want =
      gradients(slow(constant, scale, offset, s, 1e-5).square().sum(), {scale});
  expect_close(got[0] / 100, want[0] / 100, 10);
}

TEST(Normalization, SecondDerivatives) {
  for (const NormShape& s : {NormShape{3, 1, 1, 8}, NormShape{2, 8, 2, 2}}) {
    const auto second = [&](const auto& f) {
      at::manual_seed(3);
      const auto [x, scale, offset] = given(s, true);
      const Tensor loss = f(x, scale, offset).pow(3).sum();
      const auto first = torch::autograd::grad({loss}, {x, scale}, {}, true,
                                               /*create_graph=*/true);
      return gradients(first[0].square().sum() + first[1].square().sum(),
                       {x, scale});
    };
    const auto got = second([&](const auto&... args) {
      return normalize_channels(args..., s, 1e-3).y;
    });
    const auto want =
        second([&](const auto&... args) { return slow(args..., s, 1e-3); });
    for (int i = 0; i < 2; ++i) {
      const double size = want[i].abs().max().item<double>() + 1;
      expect_close(got[i] / size, want[i] / size, 100);
    }
  }
}

// A mean of 10^4 deviations leaves the variance its digits.
TEST(Normalization, FarFromZero) {
  for (const NormShape& s : {shapes()[0], shapes()[4], shapes()[6]}) {
    const Tensor x =
        at::randn({s.outer, s.pixels, s.groups * s.width}) * 0.01 + 100;
    expect_close(normalize_channels(x, {}, {}, s, 1e-12).y,
                 slow(x, {}, {}, s, 1e-12), 1e4);
  }
}

TEST(Normalization, NotANumberStaysInItsGroup) {
  const NormShape s = {2, 10, 3, 2};
  const Tensor x = at::randn({2, 10, 6});
  x[1][4][2] = NAN;
  const Normalized got = normalize_channels(x, {}, {}, s, 1e-5);
  const Tensor y = got.y.view({2, 10, 3, 2});
  EXPECT_TRUE(y.isnan().select(0, 1).select(1, 1).all().item<bool>());
  EXPECT_EQ(y.isnan().sum().item<int64_t>(), 20);
  EXPECT_TRUE(got.variance[1][1].isnan().item<bool>());
}

TEST(Normalization, LeavesTheRest) {
  const NormShape s = {2, 10, 3, 2};
  const Tensor x = at::randn({2, 10, 6});
  EXPECT_TRUE(takes_normalization(x, {}, {}, s));
  EXPECT_FALSE(takes_normalization(x.to(at::kDouble), {}, {}, s));
  EXPECT_FALSE(takes_normalization(x.transpose(0, 1), {}, {}, s));
  EXPECT_FALSE(takes_normalization(x, at::ones({1}), {}, s));
  EXPECT_FALSE(takes_normalization(x, {}, at::ones({10, 6}), s));
  EXPECT_FALSE(
      takes_normalization(at::ones({0, 10, 6}), {}, {}, {0, 10, 3, 2}));
}

TEST(Normalization, OnSeveralThreads) {
  const NormShape s = {1, 5000, 16, 1};
  const Tensor x = at::randn({1, 5000, 16});
  const Tensor want = normalize_channels(x, {}, {}, s, 1e-5).y;
  std::vector<std::thread> threads;
  std::vector<Tensor> got(4);
  for (Tensor& y : got) {
    threads.emplace_back([&] { y = normalize_channels(x, {}, {}, s, 1e-5).y; });
  }
  for (std::thread& thread : threads) thread.join();
  for (const Tensor& y : got) EXPECT_TRUE(at::equal(y, want));
}

}  // namespace
}  // namespace snt::kernels::normalization_test
