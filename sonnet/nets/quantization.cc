#include "sonnet/nets/quantization.h"

#include <ATen/ATen.h>

#include "sonnet/core/errors.h"
#include "sonnet/core/half.h"
#include "sonnet/core/initializer.h"
#include "sonnet/initializers/variance_scaling.h"
#include "sonnet/layers/lookup.h"

namespace snt::nets::detail {
namespace {

using snt::detail::widened;

// exp(entropy) of how often each embedding is used.
at::Tensor perplexity(const at::Tensor& encodings) {
  const at::Tensor p = encodings.mean(0);
  return at::exp(-(p * at::log(p + 1e-10)).sum());
}

}  // namespace

void check_quantizer(int64_t embedding_dim, int64_t num_embeddings,
                     const char* type) {
  check(embedding_dim > 0, type, "embedding_dim must be > 0, got ",
        embedding_dim);
  check(num_embeddings > 0, type, "num_embeddings must be > 0, got ",
        num_embeddings);
}

void check_vectors(const at::Tensor& x, int64_t embedding_dim, const Who& who) {
  check(x.dim() >= 1 && x.size(-1) == embedding_dim, who,
        "the last dimension of x must be embedding_dim = ", embedding_dim,
        ", got shape ", x.sizes());
}

const at::Tensor& create_embeddings(const Variable& embeddings,
                                    at::IntArrayRef shape, at::ScalarType dtype,
                                    const at::Device& device) {
  static const Initializer uniform =
      initializers::VarianceScaling{.distribution = "uniform"};
  return embeddings.create(shape, at::TensorOptions(device).dtype(dtype),
                           uniform);
}

at::Tensor columns(const at::Tensor& embeddings, const at::Tensor& indices,
                   const Who& who) {
  snt::detail::check_ids(indices, "encoding_indices", who);
  return snt::detail::lookup(embeddings.t(), indices, /*sparse=*/false,
                             "encoding_indices", who);
}

at::Tensor mean_square(const at::Tensor& x) { return (x * x).mean(); }

Quantized quantize(const at::Tensor& x, const at::Tensor& embeddings,
                   const Who& who) {
  const at::ScalarType dtype = x.scalar_type();
  check<TypeError>(dtype == embeddings.scalar_type(), who, "x must have dtype ",
                   embeddings.scalar_type(), " like the embeddings, got ",
                   dtype);
  const at::Tensor inputs = widened(x);
  const at::Tensor table = widened(embeddings);
  const at::Tensor flat = inputs.reshape({-1, table.size(0)});  // [N, D]

  const at::Tensor distances =
      ((flat * flat).sum(1, /*keepdim=*/true) - 2 * at::mm(flat, table) +
       (table * table).sum(0, /*keepdim=*/true))
          .to(dtype);
  const at::Tensor numbers = widened(distances).argmin(1);  // First of equals.
  const at::Tensor encodings =
      at::zeros(distances.sizes(), flat.options().requires_grad(false))
          .scatter_(1, numbers.unsqueeze(1), 1);
  const at::Tensor indices =
      numbers.view(x.sizes().slice(0, x.dim() - 1));  // [N] -> [batch...]
  const at::Tensor nearest = columns(table, indices, who);

  // "Straight through": the value of `nearest`, the gradient of x.
  const at::Tensor quantized = inputs + (nearest - inputs).detach();
  return {.output = {.quantize = quantized.to(dtype),
                     .loss = {},
                     .perplexity = perplexity(encodings).to(dtype),
                     .encodings = encodings.to(dtype),
                     .encoding_indices = indices,
                     .distances = distances},
          .inputs = inputs,
          .nearest = nearest};
}

}  // namespace snt::nets::detail
