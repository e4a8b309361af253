#include "sonnet/kernels/recurrent/lstm_gates.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <utility>
#include <vector>

#include "sonnet/core/gradients.h"
#include "sonnet/kernels/simd.h"
#include "sonnet/kernels/switches.h"
#include "sonnet/testing/expect_close.h"

namespace snt::kernels::lstm_gates_test {
namespace {

using at::Tensor;
using All = std::vector<Tensor>;  // from_x, from_h, bias, cell

All given(at::IntArrayRef batch, int64_t hidden) {
  const auto leaf = [&](int64_t last, bool is_array) {
    std::vector<int64_t> sizes =
        is_array ? batch.vec() : std::vector<int64_t>();
    sizes.push_back(last);
    return at::randn(sizes).requires_grad_();
  };
  return {leaf(4 * hidden, true), leaf(4 * hidden, true),
          leaf(4 * hidden, false), leaf(hidden, true)};
}

std::pair<Tensor, Tensor> fast(const All& a) {
  return lstm_gates(a[0], a[1], a[2], a[3]);
}
std::pair<Tensor, Tensor> slow(const All& a) {
  const auto gates = (a[0].to(at::kDouble) + a[1] + a[2]).chunk(4, -1);
  const Tensor c =
      gates[1].sigmoid() * a[3] + gates[0].sigmoid() * gates[2].tanh();
  return {gates[3].sigmoid() * c.tanh(), c};
}

TEST(LstmGates, IsTheDefinition) {
  for (const int level : {0, 1, 2}) {
    limit_isa_level(level);
    for (const int64_t hidden : {1, 5, 16, 33, 64}) {
      const All a = given({3, 7, 2}, hidden);
      ASSERT_TRUE(takes_lstm_gates(a[0], a[1], a[2], a[3]));
      const auto [h, c] = fast(a);
      const auto [want_h, want_c] = slow(a);
      expect_close(h, want_h, 4);
      expect_close(c, want_c, 4);
      const Tensor dh = at::randn_like(h), dc = at::randn_like(c);
      const auto got = gradients((h * dh).sum() + (c * dc).sum(), a);
      const auto want = gradients((want_h * dh).sum() + (want_c * dc).sum(), a);
      for (size_t i = 0; i < a.size(); ++i) expect_close(got[i], want[i], 50);
      const at::NoGradGuard no_grad;
      EXPECT_TRUE(at::equal(fast(a).first, h));
    }
  }
  limit_isa_level(2);
}

TEST(LstmGates, OneGradientOfTwoAndSecondDerivatives) {
  const All a = given({2, 50}, 24);
  for (const bool of_h : {true, false}) {
    const auto pick = [&](const std::pair<Tensor, Tensor>& both) {
      return of_h ? both.first : both.second;
    };
    const auto got = gradients(pick(fast(a)).sum(), a);
    const auto want = gradients(pick(slow(a)).sum(), a);
    for (size_t i = 0; i < a.size(); ++i) expect_close(got[i], want[i], 50);

    const auto second = [&](const Tensor& y) {
      const auto first = torch::autograd::grad({y.square().sum()}, {a[0], a[3]},
                                               {}, true, /*create_graph=*/true);
      return gradients(first[0].square().sum() + first[1].square().sum(), a);
    };
    const auto got2 = second(pick(fast(a))), want2 = second(pick(slow(a)));
    for (size_t i = 0; i < a.size(); ++i) expect_close(got2[i], want2[i], 100);
  }
}

TEST(LstmGates, LeavesTheRest) {
  const All a = given({4, 3}, 8);
  const auto takes = [&](const All& a) {
    return takes_lstm_gates(a[0], a[1], a[2], a[3]);
  };
  EXPECT_TRUE(takes(a));
  All wide = a;
  for (Tensor& t : wide) t = t.to(at::kDouble);
  EXPECT_FALSE(takes(wide));
  EXPECT_FALSE(takes({a[0].transpose(0, 1), a[1], a[2], a[3]}));
  EXPECT_FALSE(takes({a[0], a[1], a[2], a[3].transpose(0, 1)}));
  EXPECT_FALSE(takes({a[0], a[1], a[2].slice(0, 0, 8), a[3]}));
  switches().recurrent_sequences = false;
  EXPECT_FALSE(takes(a));
  switches().recurrent_sequences = true;
}

}  // namespace
}  // namespace snt::kernels::lstm_gates_test
