#include "sonnet/nets/quantization.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "sonnet/core/errors.h"
#include "sonnet/core/half.h"
#include "sonnet/core/initializer.h"
#include "sonnet/initializers/variance_scaling.h"
#include "sonnet/kernels/rows/quantization.h"
#include "sonnet/layers/lookup.h"

namespace snt::nets::detail {
namespace {

using snt::detail::widened;

// exp(entropy) of how often each embedding is used: [K].
at::Tensor perplexity(const at::Tensor& p) {
  return at::exp(-(p * at::log(p + 1e-10)).sum());
}

at::Tensor mean_square(const at::Tensor& x) { return (x * x).mean(); }

at::Tensor loss(const at::Tensor& inputs, const at::Tensor& nearest,
                const Attractions& attractions) {
  at::Tensor result =
      attractions.of_inputs * mean_square(nearest.detach() - inputs);
  if (attractions.of_embeddings == 0) return result;
  return attractions.of_embeddings * mean_square(nearest - inputs.detach()) +
         result;
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

Quantized quantize(const at::Tensor& x, const at::Tensor& embeddings,
                   const Attractions& attractions, bool wants_sums,
                   const Who& who) {
  const at::ScalarType dtype = x.scalar_type();
  check<TypeError>(dtype == embeddings.scalar_type(), who, "x must have dtype ",
                   embeddings.scalar_type(), " like the embeddings, got ",
                   dtype);
  const at::Tensor inputs = widened(x);
  const at::Tensor table = widened(embeddings);
  const at::Tensor flat = inputs.reshape({-1, table.size(0)});  // [N, D]
  const at::IntArrayRef batch = x.sizes().slice(0, x.dim() - 1);

  if (dtype == at::kFloat && kernels::takes_quantization(flat, table)) {
    const auto [quantized, loss, distances, encodings, numbers, counts, sums] =
        kernels::quantize_vectors(
            flat, table, {attractions.of_embeddings, attractions.of_inputs},
            wants_sums);
    return {.output = {.quantize = quantized.view(x.sizes()),
                       .loss = loss,
                       .perplexity = perplexity(
                           counts / static_cast<double>(flat.size(0))),
                       .encodings = encodings,
                       .encoding_indices = numbers.view(batch),
                       .distances = distances},
            .counts = counts,
            .sums = sums};
  }

  const at::Tensor distances =
      ((flat * flat).sum(1, /*keepdim=*/true) - 2 * at::mm(flat, table) +
       (table * table).sum(0, /*keepdim=*/true))
          .to(dtype);
  const at::Tensor numbers = widened(distances).argmin(1);  // First of equals.
  const at::Tensor encodings =
      at::zeros(distances.sizes(), flat.options().requires_grad(false))
          .scatter_(1, numbers.unsqueeze(1), 1);
  const at::Tensor indices = numbers.view(batch);  // [N] -> [batch...]
  const at::Tensor nearest = columns(table, indices, who);

  // "Straight through": the value of `nearest`, the gradient of x.
  const at::Tensor quantized = inputs + (nearest - inputs).detach();
  Quantized result = {
      .output = {.quantize = quantized.to(dtype),
                 .loss = loss(inputs, nearest, attractions).to(dtype),
                 .perplexity = perplexity(encodings.mean(0)).to(dtype),
                 .encodings = encodings.to(dtype),
                 .encoding_indices = indices,
                 .distances = distances}};
  if (wants_sums) {
    const at::NoGradGuard no_grad;
    result.counts = encodings.sum(0);
    result.sums = at::mm(flat.t(), encodings);
  }
  return result;
}

}  // namespace snt::nets::detail
