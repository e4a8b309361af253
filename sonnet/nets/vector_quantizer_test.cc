#include "sonnet/nets/vector_quantizer.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "sonnet/core/clone.h"
#include "sonnet/core/gradients.h"
#include "sonnet/core/options.h"
#include "sonnet/core/random.h"
#include "sonnet/core/variables.h"
#include "sonnet/kernels/switches.h"
#include "sonnet/testing/expect_close.h"
#include "sonnet/testing/expect_gradients.h"
#include "sonnet/testing/message_of.h"
#include "sonnet/testing/uneven.h"

namespace snt::nets::vector_quantizer_test {
namespace {

using Sizes = std::vector<int64_t>;

struct Net {
  VectorQuantizer codes{2, 3, 0.25};
};

// Of length 3, in float64, with the embeddings e_k = uneven column k.
VectorQuantizer quantizer_of_five(double cost = 0.25) {
  const VectorQuantizer quantizer{.embedding_dim = 3,
                                  .num_embeddings = 5,
                                  .commitment_cost = cost,
                                  .dtype = at::kDouble};
  quantizer.quantize(at::zeros({0}, at::kLong));
  quantizer.embeddings.assign(uneven({3, 5}, at::kDouble, 4));
  return quantizer;
}

// Everything, one number after the other.
struct Slow {
  at::Tensor distances, indices, quantize;
  double squares = 0;  // Mean of (x - e)^2.
  double perplexity = 0;
};

Slow slow_outputs(const at::Tensor& flat, const at::Tensor& e) {
  const int64_t n = flat.size(0), d = flat.size(1), k = e.size(1);
  Slow slow{at::zeros({n, k}, at::kDouble), at::zeros({n}, at::kLong),
            at::zeros({n, d}, at::kDouble)};
  std::vector<double> used(k);
  for (int64_t i = 0; i < n; ++i) {
    int64_t best = 0;
    for (int64_t j = 0; j < k; ++j) {
      double sum = 0;
      for (int64_t l = 0; l < d; ++l) {
        sum += std::pow(flat[i][l].item<double>() - e[l][j].item<double>(), 2);
      }
      slow.distances[i][j] = sum;
      if (sum < slow.distances[i][best].item<double>()) best = j;
    }
    slow.indices[i] = best;
    slow.quantize[i] = e.select(1, best);
    slow.squares += slow.distances[i][best].item<double>();
    used[best] += 1 / static_cast<double>(n);
  }
  slow.squares /= static_cast<double>(n * d);
  for (double p : used) slow.perplexity -= p > 0 ? p * std::log(p) : 0;
  slow.perplexity = std::exp(slow.perplexity);
  return slow;
}

TEST(VectorQuantizerTest, AgainstALoop) {
  const VectorQuantizer quantizer = quantizer_of_five();
  const at::Tensor e = quantizer.embeddings.value().detach();
  for (const Sizes& shape :
       {Sizes{3}, Sizes{7, 3}, Sizes{2, 4, 3}, Sizes{1, 2, 3, 2, 3}}) {
    for (bool is_training : {true, false}) {
      const at::Tensor x = uneven(shape);
      const VectorQuantizerOutput out = quantizer(x, is_training);
      const at::Tensor flat = x.reshape({-1, 3});
      const Slow slow = slow_outputs(flat, e);
      const Sizes batch(shape.begin(), shape.end() - 1);
      expect_close(out.quantize, slow.quantize.view(shape));
      expect_close(out.distances, slow.distances);
      expect_close(out.encoding_indices, slow.indices.view(batch));
      expect_close(out.encodings, at::one_hot(slow.indices, 5).to(at::kDouble));
      EXPECT_NEAR(out.loss.item<double>(), 1.25 * slow.squares, 1e-14);
      EXPECT_NEAR(out.perplexity.item<double>(), slow.perplexity, 1e-8);
    }
  }
}

TEST(VectorQuantizerTest, EmptyBatch) {
  const VectorQuantizer quantizer = quantizer_of_five();
  for (const Sizes& shape : {Sizes{0, 3}, Sizes{2, 0, 3}}) {
    const VectorQuantizerOutput out =
        quantizer(at::empty(shape, at::kDouble), true);
    EXPECT_EQ(out.quantize.sizes(), at::IntArrayRef(shape));
    EXPECT_EQ(out.encoding_indices.sizes(),
              at::IntArrayRef(shape).slice(0, shape.size() - 1));
    EXPECT_EQ(out.encodings.sizes(), at::IntArrayRef({0, 5}));
    EXPECT_EQ(out.distances.sizes(), at::IntArrayRef({0, 5}));
    EXPECT_TRUE(std::isnan(out.loss.item<double>()));
    EXPECT_TRUE(std::isnan(out.perplexity.item<double>()));
  }
}

TEST(VectorQuantizerTest, TheFirstOfEquallyNearOnes) {
  const VectorQuantizer quantizer{2, 4, 0.25};
  const at::Tensor x = at::zeros({1, 2});
  quantizer(x, true);
  quantizer.embeddings.assign(
      at::tensor({5.f, 1.f, -1.f, 0.f, 0.f, 0.f, 0.f, 1.f}).view({2, 4}));
  EXPECT_EQ(quantizer(x, true).encoding_indices.item<int64_t>(), 1);
}

// Half types choose among the distances that they can tell apart.
TEST(VectorQuantizerTest, Dtypes) {
  for (at::ScalarType dtype :
       {at::kFloat, at::kDouble, at::kHalf, at::kBFloat16}) {
    const VectorQuantizer quantizer{3, 5, 0.25, dtype};
    const at::Tensor x = uneven({6, 3}, dtype);
    quantizer(x, true);
    quantizer.embeddings.assign(uneven({3, 5}, dtype, 4));
    const VectorQuantizerOutput out = quantizer(x, true);
    const Slow slow = slow_outputs(x, quantizer.embeddings.value().detach());
    expect_close(out.quantize, slow.quantize, dtype, 2);
    expect_close(out.distances, slow.distances, dtype, 3);
    expect_close(out.loss, at::scalar_tensor(1.25 * slow.squares, at::kDouble),
                 dtype);
    // Its formula adds 1e-10 to what it takes the logarithm of.
    EXPECT_NEAR(out.perplexity.item<double>(), slow.perplexity,
                4 * tolerance(dtype) + 1e-8);
    EXPECT_EQ(out.encodings.scalar_type(), dtype);
    EXPECT_EQ(out.encoding_indices.scalar_type(), at::kLong);
    EXPECT_EQ(quantizer.embeddings.dtype(), dtype);
    const at::Tensor row = quantizer.quantize(at::tensor({4}, at::kInt));
    EXPECT_TRUE(at::equal(row[0], quantizer.embeddings.value().select(1, 4)));
    // The sum of half gradients is exact up to rounding.
    const at::Tensor gradient =
        gradients(quantizer.quantize(at::zeros({6}, at::kLong)).sum(),
                  {quantizer.embeddings})[0];
    EXPECT_EQ(gradient.sum().item<double>(), 18);
  }
}

// quantize goes back to x as it is; the loss is split between both.
TEST(VectorQuantizerTest, GradientsStopWhereTheySay) {
  const VectorQuantizer quantizer = quantizer_of_five(0.75);
  const at::Tensor x = uneven({7, 3}).requires_grad_();
  const at::Tensor& e = quantizer.embeddings.value();
  const VectorQuantizerOutput out = quantizer(x, true);
  const at::Tensor weights = uneven({7, 3}, at::kDouble, 9);
  const auto straight = gradients((out.quantize * weights).sum(), {x, e});
  expect_close(straight[0], weights);
  EXPECT_FALSE(straight[1].defined());

  const at::Tensor difference = (out.quantize - x).detach() * 2 / 21;
  const auto of_loss = gradients(quantizer(x, true).loss, {x, e});
  expect_close(of_loss[0], -0.75 * difference);
  expect_close(of_loss[1], at::mm(difference.t(), out.encodings));
  EXPECT_FALSE(out.encodings.requires_grad());
  EXPECT_FALSE(out.perplexity.requires_grad());
  expect_gradients([&] { return quantizer(x, true).distances; }, {x, e});
}

// Results and gradients, with the kernel and without; also which there are.
TEST(VectorQuantizerTest, FastAndPlainAgree) {
  const VectorQuantizer quantizer{3, 5, 0.75};
  for (const at::Tensor& given :
       {at::randn({70, 3}), at::randn({3}), at::randn({2, 3, 4, 3}),
        at::randn({3, 8}).t(), at::randn({1, 3}).expand({6, 3})}) {
    for (int which = 1; which < 8; ++which) {
      const auto results = [&](bool fast) {
        kernels::switches().fast_quantizers = fast;
        const at::Tensor x = given.detach().requires_grad_();
        const VectorQuantizerOutput out = quantizer(x, true);
        at::Tensor total = at::zeros({});
        if (which & 1) total = total + out.quantize.sin().sum();
        if (which & 2) total = total + 2 * out.loss;
        if (which & 4) total = total + out.distances.square().sum();
        std::vector<at::Tensor> all =
            gradients(total, {x, quantizer.embeddings.value()});
        all.insert(all.end(),
                   {out.quantize, out.loss, out.perplexity, out.encodings,
                    out.encoding_indices, out.distances});
        kernels::switches().fast_quantizers = true;
        return all;
      };
      const auto fast = results(true), plain = results(false);
      for (size_t i = 0; i < fast.size(); ++i) {
        ASSERT_EQ(fast[i].defined(), plain[i].defined()) << i << " " << which;
        if (!fast[i].defined()) continue;
        EXPECT_EQ(fast[i].scalar_type(), plain[i].scalar_type());
        EXPECT_EQ(fast[i].requires_grad(), plain[i].requires_grad()) << i;
        EXPECT_TRUE(at::allclose(fast[i], plain[i], 1e-5, 1e-5))
            << i << ": " << fast[i] << plain[i];
      }
    }
  }
}

TEST(VectorQuantizerTest, ItsEmbeddingsQuantizeToThemselves) {
  const VectorQuantizer quantizer = quantizer_of_five();
  const at::Tensor numbers = at::tensor({3, 0, 4, 4, 1, 2}).view({2, 3});
  const at::Tensor x = quantizer.quantize(numbers);
  EXPECT_EQ(x.sizes(), at::IntArrayRef({2, 3, 3}));
  const VectorQuantizerOutput out = quantizer(x, false);
  EXPECT_TRUE(at::equal(out.encoding_indices, numbers));
  expect_close(out.quantize, x);
  EXPECT_NEAR(out.loss.item<double>(), 0, 1e-30);
}

// Uniform in +-sqrt(3 / D): of 20000 numbers, mean and deviation are within 5
// of their deviations, p_fail < 1e-6 each.
TEST(VectorQuantizerTest, InitialValues) {
  snt::seed(3);
  const VectorQuantizer quantizer{50, 400, 0.25};
  quantizer.quantize(at::zeros({0}, at::kLong));
  const at::Tensor e = quantizer.embeddings.value().detach();
  const double bound = std::sqrt(3. / 50);
  EXPECT_LE(e.abs().max().item<double>(), bound);
  EXPECT_GT(e.abs().max().item<double>(), 0.99 * bound);
  EXPECT_NEAR(e.mean().item<double>(), 0, 5 * 0.1415 / std::sqrt(20000.));
  EXPECT_NEAR(e.std().item<double>() * std::sqrt(50.), 1, 0.02);
}

TEST(VectorQuantizerTest, CostThatChanges) {
  const Variable cost(at::scalar_tensor(0.), /*trainable=*/false);
  const VectorQuantizer quantizer{2, 3, cost};
  const at::Tensor x = uneven({4, 2}, at::kFloat);
  const double half = quantizer(x, true).loss.item<double>();
  cost.assign(3.);
  EXPECT_NEAR(quantizer(x, true).loss.item<double>(), 4 * half, 1e-6);
}

TEST(VectorQuantizerTest, VariablesAndOptions) {
  const VectorQuantizer quantizer = quantizer_of_five();
  const auto named = named_variables(quantizer);
  ASSERT_EQ(named.size(), 1);
  EXPECT_EQ(named[0].path, "embeddings");
  EXPECT_EQ(named[0].variable.name(), "vector_quantizer/embeddings");
  EXPECT_TRUE(named[0].variable.trainable());
  EXPECT_NE(clone(quantizer).embeddings, quantizer.embeddings);
  EXPECT_EQ(repr(VectorQuantizer{3, 4, 0.25}),
            "VectorQuantizer(embedding_dim=3, num_embeddings=4, "
            "commitment_cost=0.25)");
  const VectorQuantizer all{3, 4, 0.5, at::kHalf, "codes"};
  EXPECT_EQ(to_json(from_json<VectorQuantizer>(to_json(all))), to_json(all));
}

TEST(VectorQuantizerTest, Errors) {
  EXPECT_EQ(message_of([] {
              VectorQuantizer{0, 4, 0.25}(at::ones({2, 0}), true);
            }),
            "[VectorQuantizer] embedding_dim must be > 0, got 0");
  EXPECT_EQ(message_of([] {
              VectorQuantizer{2, 0, 0.25}.quantize(at::zeros({1}, at::kLong));
            }),
            "[VectorQuantizer] num_embeddings must be > 0, got 0");
  EXPECT_EQ(
      message_of([] {
        VectorQuantizer{.embedding_dim = 1,
                        .num_embeddings = 1,
                        .commitment_cost = 0.5,
                        .dtype = at::kInt}
            .check();
      }),
      "[VectorQuantizer] Expected floating point type, got <dtype: 'int32'>");
  const Net net;
  net.codes(at::ones({4, 2}), true);
  named_variables(net);
  EXPECT_EQ(message_of([&] {
              net.codes(at::ones({2, 3}), true);
            }),
            "[VectorQuantizer codes] the last dimension of x must be "
            "embedding_dim = 2, got shape [2, 3]");
  EXPECT_EQ(message_of([&] { net.codes(at::ones({}), true); }),
            "[VectorQuantizer codes] the last dimension of x must be "
            "embedding_dim = 2, got shape []");
  EXPECT_EQ(message_of<TypeError>([&] {
              net.codes(at::ones({1, 2}, at::kDouble), true);
            }),
            "[VectorQuantizer codes] x must have dtype float32 like the "
            "embeddings, got float64");
  EXPECT_EQ(message_of([&] {
              net.codes.quantize(at::tensor({0, 3, 1}));
            }),
            "[VectorQuantizer codes] encoding_indices must be in [0, 3), got "
            "encoding_indices from 0 to 3");
  EXPECT_EQ(
      message_of<TypeError>([&] { net.codes.quantize(at::ones({2})); }),
      "[VectorQuantizer codes] encoding_indices must be int32 or int64, got "
      "float32");
}

}  // namespace
}  // namespace snt::nets::vector_quantizer_test
