#include "sonnet/nets/vector_quantizer_ema.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "sonnet/core/gradients.h"
#include "sonnet/core/options.h"
#include "sonnet/core/variables.h"
#include "sonnet/kernels/switches.h"
#include "sonnet/testing/expect_close.h"
#include "sonnet/testing/message_of.h"
#include "sonnet/testing/uneven.h"

namespace snt::nets::vector_quantizer_ema_test {
namespace {

VectorQuantizerEMA make_quantizer(double decay, double epsilon = 1e-5,
                                  at::ScalarType dtype = at::kDouble) {
  const VectorQuantizerEMA quantizer{.embedding_dim = 3,
                                     .num_embeddings = 4,
                                     .commitment_cost = 0.5,
                                     .decay = decay,
                                     .epsilon = epsilon,
                                     .dtype = dtype};
  quantizer.quantize(at::zeros({0}, at::kLong));
  quantizer.embeddings.assign(uneven({3, 4}, dtype, 4));
  return quantizer;
}

// The averages of one embedding's sums and counts, with the bias correction
// written out: sum_t decay^(n - t) v_t / sum_t decay^(n - t).
struct SlowAverages {
  double decay;
  std::vector<double> counts = std::vector<double>(4);
  std::vector<double> sums = std::vector<double>(12);
  double weights = 0;

  at::Tensor embeddings_after(const at::Tensor& x, const at::Tensor& indices,
                              double epsilon) {
    for (double& count : counts) count *= decay;
    for (double& sum : sums) sum *= decay;
    weights = decay * weights + 1;
    for (int64_t i = 0; i < x.size(0); ++i) {
      const auto k = indices[i].item<int64_t>();
      counts[k] += 1;
      for (int64_t d = 0; d < 3; ++d) sums[4 * d + k] += x[i][d].item<double>();
    }
    double n = 0;
    for (double count : counts) n += count / weights;
    at::Tensor e = at::zeros({3, 4}, at::kDouble);
    for (int64_t k = 0; k < 4; ++k) {
      const double count =
          (counts[k] / weights + epsilon) / (n + 4 * epsilon) * n;
      for (int64_t d = 0; d < 3; ++d)
        e[d][k] = sums[4 * d + k] / weights / count;
    }
    return e;
  }
};

TEST(VectorQuantizerEMATest, AgainstALoop) {
  for (double decay : {0.0, 0.5, 0.99}) {
    for (double epsilon : {1e-5, 0.1}) {
      const VectorQuantizerEMA quantizer = make_quantizer(decay, epsilon);
      SlowAverages averages{decay};
      for (int64_t step = 0; step < 4; ++step) {
        const at::Tensor x = uneven({6, 3}, at::kDouble, step);
        const at::Tensor before = quantizer.embeddings.value().clone();
        const VectorQuantizerOutput out = quantizer(x, /*is_training=*/true);
        // What is given belongs to the embeddings before they move.
        const at::Tensor nearest =
            before.t().index_select(0, out.encoding_indices);
        expect_close(out.quantize, nearest);
        EXPECT_TRUE(
            at::equal(out.encoding_indices,
                      (x.unsqueeze(2) - before).square().sum(1).argmin(1)));
        EXPECT_NEAR(out.loss.item<double>(),
                    0.5 * (nearest - x).square().mean().item<double>(), 1e-14);
        expect_close(
            quantizer.embeddings.value(),
            averages.embeddings_after(x, out.encoding_indices, epsilon),
            at::kDouble, 100);
      }
    }
  }
}

TEST(VectorQuantizerEMATest, OutsideTrainingNothingMoves) {
  const VectorQuantizerEMA quantizer = make_quantizer(0.9);
  const at::Tensor before = quantizer.embeddings.value().clone();
  quantizer(uneven({2, 5, 3}), at::scalar_tensor(false, at::kBool));
  EXPECT_TRUE(at::equal(quantizer.embeddings.value(), before));
  EXPECT_EQ(quantizer.ema_dw.counter.value().item<int64_t>(), 0);
  quantizer(uneven({2, 5, 3}), at::scalar_tensor(true, at::kBool));
  EXPECT_EQ(quantizer.ema_dw.counter.value().item<int64_t>(), 1);
}

// In Sonnet they become NaN.
TEST(VectorQuantizerEMATest, EmptyBatchesLeaveTheEmbeddings) {
  const VectorQuantizerEMA quantizer = make_quantizer(0.5);
  const at::Tensor before = quantizer.embeddings.value().clone();
  const auto out = quantizer(at::empty({0, 3}, at::kDouble), true);
  EXPECT_TRUE(at::equal(quantizer.embeddings.value(), before));
  EXPECT_EQ(out.distances.sizes(), at::IntArrayRef({0, 4}));
  EXPECT_TRUE(std::isnan(out.loss.item<double>()));
}

// Gradients flow although the call has moved the embeddings.
TEST(VectorQuantizerEMATest, Gradients) {
  const VectorQuantizerEMA quantizer = make_quantizer(0.9);
  const at::Tensor x = uneven({5, 3}).requires_grad_();
  const at::Tensor e = quantizer.embeddings.value().clone();
  const VectorQuantizerOutput out = quantizer(x, true);
  const at::Tensor weights = uneven({5, 4}, at::kDouble, 9);
  const at::Tensor found =
      gradients(out.loss + (out.distances * weights).sum(), x);
  const at::Tensor nearest = out.quantize.detach();
  expect_close(found,
               (x - nearest) / 15 + 2 * x * weights.sum(1, true) -
                   2 * at::mm(weights, e.t()),
               at::kDouble, 10);
  EXPECT_FALSE(quantizer.embeddings.value().requires_grad());
}

TEST(VectorQuantizerEMATest, Dtypes) {
  for (at::ScalarType dtype : {at::kFloat, at::kHalf, at::kBFloat16}) {
    const VectorQuantizerEMA quantizer = make_quantizer(0.75, 1e-5, dtype);
    SlowAverages averages{0.75};
    for (int64_t step = 0; step < 3; ++step) {
      const at::Tensor x = uneven({6, 3}, dtype, step);
      const VectorQuantizerOutput out = quantizer(x, true);
      EXPECT_EQ(out.loss.scalar_type(), dtype);
      expect_close(quantizer.embeddings.value(),
                   averages.embeddings_after(x, out.encoding_indices, 1e-5),
                   dtype, 10);
    }
  }
}

// All that comes out of two steps, with the kernel and without.
TEST(VectorQuantizerEMATest, FastAndPlainAgree) {
  const at::Tensor infinite = at::randn({9, 3});
  infinite[4][1] = std::numeric_limits<float>::infinity();
  const at::Tensor missing = at::randn({9, 3});
  missing[2][0] = std::nanf("");
  for (const at::Tensor& x : {at::randn({70, 3}), at::randn({2, 3, 4, 3}),
                              at::randn({3, 8}).t(), infinite, missing}) {
    for (const bool with_gradients : {false, true}) {
      const auto results = [&](bool fast) {
        kernels::switches().fast_quantizers = fast;
        const at::AutoGradMode mode(with_gradients);
        const VectorQuantizerEMA quantizer =
            make_quantizer(0.75, 1e-5, at::kFloat);
        const at::Tensor leaf = x.detach().clone();
        leaf.set_requires_grad(with_gradients);
        std::vector<at::Tensor> all;
        for (int step = 0; step < 2; ++step) {
          const VectorQuantizerOutput out = quantizer(leaf, true);
          all.insert(all.end(),
                     {out.quantize, out.loss, out.perplexity, out.encodings,
                      out.encoding_indices, out.distances,
                      quantizer.embeddings.value(), quantizer.ema_dw.value(),
                      quantizer.ema_cluster_size.value()});
          if (with_gradients) {
            all.push_back(gradients(out.quantize.sin().sum() + out.loss +
                                        out.distances.square().sum(),
                                    leaf));
          }
        }
        kernels::switches().fast_quantizers = true;
        return all;
      };
      const auto fast = results(true), plain = results(false);
      for (size_t i = 0; i < fast.size(); ++i) {
        EXPECT_EQ(fast[i].scalar_type(), plain[i].scalar_type());
        EXPECT_EQ(fast[i].requires_grad(), plain[i].requires_grad()) << i;
        EXPECT_TRUE(at::allclose(fast[i], plain[i], 1e-5, 1e-5,
                                 /*equal_nan=*/true))
            << i << ": " << fast[i] << plain[i];
      }
    }
  }
}

TEST(VectorQuantizerEMATest, Variables) {
  const VectorQuantizerEMA quantizer{3, 4, 0.25, 0.9};
  quantizer(uneven({2, 3}, at::kFloat), false);  // The first call makes all.
  std::string names;
  for (const NamedVariable& entry : named_variables(quantizer)) {
    EXPECT_FALSE(entry.variable.trainable());
    names += entry.variable.name().substr(sizeof("vector_quantizer_ema")) + " ";
  }
  EXPECT_EQ(names,
            "embeddings ema_cluster_size/counter ema_cluster_size/hidden "
            "ema_cluster_size/average ema_dw/counter ema_dw/hidden "
            "ema_dw/average ");
  EXPECT_EQ(quantizer.ema_cluster_size.hidden.shape(), at::IntArrayRef({4}));
  EXPECT_EQ(quantizer.ema_dw.average.shape(), at::IntArrayRef({3, 4}));
}

TEST(VectorQuantizerEMATest, OptionsAndErrors) {
  const VectorQuantizerEMA all{3, 4, 0.5, 0.9, 1e-3, at::kHalf, "codes"};
  EXPECT_EQ(to_json(from_json<VectorQuantizerEMA>(to_json(all))), to_json(all));
  EXPECT_EQ(repr(VectorQuantizerEMA{3, 4, 0.25, 0.5}),
            "VectorQuantizerEMA(\n    embedding_dim=3,\n    num_embeddings=4,\n"
            "    commitment_cost=0.25,\n    decay=0.5,\n)");
  for (double decay : {-0.1, 1.5}) {
    const VectorQuantizerEMA quantizer{3, 4, 0.25, decay};
    EXPECT_EQ(message_of([&] {
                quantizer(at::ones({2, 3}), true);
              }),
              "[VectorQuantizerEMA] decay must be in range [0, 1], got " +
                  std::string(decay < 0 ? "-0.1" : "1.5"));
    EXPECT_FALSE(quantizer.embeddings.is_built());
  }
  EXPECT_EQ(message_of([] {
              VectorQuantizerEMA{3, 4, 0.25, 0.5}(at::ones({2, 4}), true);
            }),
            "[VectorQuantizerEMA] the last dimension of x must be "
            "embedding_dim = 3, got shape [2, 4]");
}

}  // namespace
}  // namespace snt::nets::vector_quantizer_ema_test
