#include "sonnet/kernels/rows/quantization.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "sonnet/core/gradients.h"
#include "sonnet/kernels/switches.h"
#include "sonnet/testing/expect_close.h"

namespace snt::kernels::quantization_test {
namespace {

using at::Tensor;

// By the definition, in float64, with the choice given.
Quantization slow(const Tensor& given_x, const Tensor& given_table,
                  const Tensor& indices, const QuantizationLoss& weights) {
  const Tensor x = given_x.to(at::kDouble), table = given_table.to(at::kDouble);
  const Tensor e = table.t().index_select(0, indices);
  Quantization result;
  result.quantized = x + (e - x).detach();
  result.loss = weights.to_x * (e - x.detach()).square().mean() +
                weights.to_e * (e.detach() - x).square().mean();
  result.distances = (x.unsqueeze(2) - table).square().sum(1);
  result.encodings = at::zeros({x.size(0), table.size(1)}, at::kDouble)
                         .scatter_(1, indices.unsqueeze(1), 1);
  result.counts = result.encodings.sum(0);
  result.sums = at::mm(x.t(), result.encodings);
  return result;
}

struct Case {
  int64_t n, d, k;
  QuantizationLoss loss;
};
const std::vector<Case>& cases() {
  static const std::vector<Case> all = {{1, 1, 1, {1, 0.25}},
                                        {9, 3, 4, {1, 0.25}},
                                        {40, 17, 33, {0, 0.5}},
                                        {200, 20, 6, {1, 0}}};
  return all;
}

// Which results the gradients come through.
std::vector<Tensor> gradients_of(const Quantization& q, int which,
                                 const Tensor& dy, const Tensor& dd,
                                 const std::vector<Tensor>& leaves,
                                 bool create_graph = false) {
  Tensor total;
  const auto add = [&](const Tensor& t) {
    total = total.defined() ? total + t : t;
  };
  if (which & 1) add((q.quantized * dy).sum());
  if (which & 2) add(3 * q.loss);
  if (which & 4) add((q.distances * dd).sum());
  return gradients(total, leaves, {.create_graph = create_graph});
}

void expect_same(const Quantization& got, const Quantization& want) {
  expect_close(got.quantized, want.quantized, 10);
  expect_close(got.loss, want.loss, 10);
  expect_close(got.distances, want.distances, 100);
  expect_close(got.encodings, want.encodings);
  expect_close(got.counts, want.counts);
  expect_close(got.sums, want.sums, 20);
}

TEST(QuantizeVectors, IsTheDefinition) {
  for (const Case& c : cases()) {
    for (const bool transposed : {false, true}) {
      const Tensor x =
          transposed ? at::randn({c.d, c.n}).t() : at::randn({c.n, c.d});
      const Tensor table =
          transposed ? at::randn({c.k, c.d}).t() : at::randn({c.d, c.k});
      ASSERT_TRUE(takes_quantization(x, table));
      for (int i = 0; i < 2; ++i) {  // A second call is like the first.
        const Quantization got = quantize_vectors(x, table, c.loss, true);
        EXPECT_EQ(got.indices.scalar_type(), at::kLong);
        expect_same(got, slow(x, table, got.indices, c.loss));
      }
      EXPECT_FALSE(quantize_vectors(x, table, c.loss, false).sums.defined());
    }
  }
}

TEST(QuantizeVectors, Gradients) {
  for (const Case& c : cases()) {
    for (int which = 1; which < 8; ++which) {
      SCOPED_TRACE(testing::Message() << c.n << " " << which);
      const Tensor x = at::randn({c.n, c.d}).requires_grad_();
      const Tensor table = at::randn({c.d, c.k}).requires_grad_();
      const Tensor dy = at::randn({c.n, c.d}), dd = at::randn({c.n, c.k});
      const Quantization got = quantize_vectors(x, table, c.loss, true);
      const Quantization want = slow(x, table, got.indices, c.loss);
      EXPECT_FALSE(got.encodings.requires_grad());
      EXPECT_FALSE(got.counts.requires_grad() || got.sums.requires_grad());
      const auto g = gradients_of(got, which, dy, dd, {x, table});
      const auto w = gradients_of(want, which, dy, dd, {x, table});
      for (size_t i = 0; i < 2; ++i) {
        if (!w[i].defined() || !g[i].defined()) {  // None is 0.
          for (const Tensor& t : {w[i], g[i]}) {
            EXPECT_TRUE(!t.defined() || t.abs().max().item<double>() == 0);
          }
          continue;
        }
        const double size = static_cast<double>(c.n + c.k);
        expect_close(g[i] / size, w[i] / size, 20);
      }
    }
  }
}

// With one leaf only, and of what is not contiguous.
TEST(QuantizeVectors, GradientsOfOneArgument) {
  const Tensor x = at::randn({5, 12}).t().requires_grad_();
  const Tensor table = at::randn({5, 7});
  const Quantization got = quantize_vectors(x, table, {1, 0.25}, false);
  const Tensor dy = at::randn({5, 12}).t(), dd = at::randn({7, 12}).t();
  const Quantization want = slow(x, table, got.indices, {1, 0.25});
  expect_close(gradients_of(got, 7, dy, dd, {x})[0],
               gradients_of(want, 7, dy, dd, {x})[0], 100);

  const Tensor leaf = at::randn({5, 7}).requires_grad_();
  const Quantization other = quantize_vectors(x.detach(), leaf, {1, 0}, false);
  const Quantization slowly = slow(x.detach(), leaf, other.indices, {1, 0});
  expect_close(gradients_of(other, 6, dy, dd, {leaf})[0],
               gradients_of(slowly, 6, dy, dd, {leaf})[0], 100);
}

TEST(QuantizeVectors, SecondDerivatives) {
  const Tensor x = at::randn({6, 4}).requires_grad_();
  const Tensor table = at::randn({4, 5}).requires_grad_();
  const Tensor dy = at::randn({6, 4}), dd = at::randn({6, 5});
  const auto second = [&](const Quantization& q) {
    const auto first =
        gradients_of(q, 7, dy, dd, {x, table}, /*create_graph=*/true);
    return gradients((first[0] * first[0]).sum() + (first[1].sin()).sum(),
                     std::vector<Tensor>{x, table});
  };
  const Quantization got = quantize_vectors(x, table, {1, 0.25}, false);
  const auto g = second(got);
  const auto w = second(slow(x, table, got.indices, {1, 0.25}));
  for (size_t i = 0; i < 2; ++i) expect_close(g[i] / 50, w[i] / 50, 20);
}

TEST(QuantizeVectors, TakesNothingElse) {
  const Tensor x = at::ones({2, 3}), table = at::ones({3, 4});
  EXPECT_TRUE(takes_quantization(x, table));
  EXPECT_FALSE(takes_quantization(x.to(at::kDouble), table.to(at::kDouble)));
  EXPECT_FALSE(takes_quantization(x.to(at::kHalf), table));
  EXPECT_FALSE(takes_quantization(at::ones({0, 3}), table));
  EXPECT_FALSE(takes_quantization(at::_neg_view(x), table));
  switches().fast_quantizers = false;
  EXPECT_FALSE(takes_quantization(x, table));
  switches().fast_quantizers = true;
}

}  // namespace
}  // namespace snt::kernels::quantization_test
