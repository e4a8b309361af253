// Modules that look rows up: a vector quantizer and an embedding.

#include <ATen/core/grad_mode.h>

#include "benchmarks/sizes.h"
#include "benchmarks/workloads.h"

namespace benchmarks {
namespace {

using sizes::kEmbed;
using sizes::kVq;

Work vq_ema_train() {
  const snt::nets::VectorQuantizerEMA vq{kVq.dim, kVq.embeddings, 0.25, 0.99};
  const at::Tensor x = numbers({kVq.rows, kVq.dim});
  const auto step = [=] {
    const at::NoGradGuard no_grad;
    vq(x, /*is_training=*/true);
  };
  // The distances, and x. The sums of the rows of each embedding are additions.
  return {step,
          {product(kVq.rows, kVq.dim, kVq.embeddings),
           bytes(static_cast<double>(kVq.rows * kVq.dim))}};
}

Work embed_train() {
  const snt::Embed embed{.vocab_size = kEmbed.vocab, .embed_dim = kEmbed.dim};
  const snt::optimizers::SGD sgd{1e-2};
  const at::Tensor places = ids({kEmbed.rows}, kEmbed.vocab);
  const at::Tensor target = numbers({kEmbed.rows, kEmbed.dim});
  embed(places);
  const auto parameters = snt::trainable_variables(embed);
  const auto step = [=] {
    const at::Tensor loss = (embed(places) - target).square().mean();
    sgd.apply(snt::gradients(loss, parameters), parameters);
  };
  // Rows and targets are read, rows written.
  return {step, {0, bytes(3 * static_cast<double>(kEmbed.rows * kEmbed.dim))}};
}

}  // namespace

std::vector<Row> table_rows() {
  return {{"vq_ema_train", vq_ema_train}, {"embed_train", embed_train}};
}

}  // namespace benchmarks
