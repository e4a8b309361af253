#include "sonnet/nets/vector_quantizer_ema.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "sonnet/core/errors.h"
#include "sonnet/core/scope.h"
#include "sonnet/initializers/dtypes.h"
#include "sonnet/nets/quantization.h"

namespace snt::nets {
namespace {

// The embeddings, and the averages that go with them.
const at::Tensor& create_variables(const VectorQuantizerEMA& quantizer,
                                   const at::Device& device) {
  if (!quantizer.embeddings.is_built()) quantizer.check();
  const at::Tensor& table = detail::create_embeddings(
      quantizer.embeddings, {quantizer.embedding_dim, quantizer.num_embeddings},
      quantizer.dtype, device);
  const at::Tensor like = table.to(quantizer.dtype);  // Mixed precision casts.
  quantizer.ema_cluster_size.initialize(like.select(0, 0));
  quantizer.ema_dw.initialize(like);
  return table;
}

// Takes how many vectors chose each of K embeddings, and their sums, into the
// averages, and moves the embeddings there.
//
//   counted  [K]   summed  [D, K]
void update_averages(const VectorQuantizerEMA& quantizer,
                     const at::Tensor& counted, const at::Tensor& summed) {
  const at::NoGradGuard no_grad;
  const at::ScalarType dtype = quantizer.dtype;
  const at::ScalarType wide = summed.scalar_type();  // float32 for half types.
  const double epsilon = quantizer.epsilon;
  const double k = static_cast<double>(quantizer.num_embeddings);

  const at::Tensor counts =
      quantizer.ema_cluster_size(counted.to(dtype)).to(wide);
  const at::Tensor sums = quantizer.ema_dw(summed.to(dtype)).to(wide);
  const at::Tensor n = counts.sum();
  const at::Tensor smooth_counts = (counts + epsilon) / (n + k * epsilon) * n;

  // Without any vector so far all of these are 0.
  const at::Tensor before = quantizer.embeddings.value().to(wide);
  quantizer.embeddings.assign(
      at::where(n == 0, before, sums / smooth_counts).to(dtype));
}

}  // namespace

void VectorQuantizerEMA::check() const {
  snt::check(decay >= 0 && decay <= 1, "VectorQuantizerEMA",
             "decay must be in range [0, 1], got ", decay.value);
  detail::check_quantizer(embedding_dim, num_embeddings, "VectorQuantizerEMA");
  initializers::detail::check_floating(dtype, "VectorQuantizerEMA");
}

VectorQuantizerOutput VectorQuantizerEMA::operator()(
    const at::Tensor& x, const BoolLike& is_training) const {
  const Who who{"VectorQuantizerEMA", embeddings};
  if (!embeddings.is_built()) check();
  detail::check_vectors(x, embedding_dim, who);

  const name_scope scope("VectorQuantizerEMA", embeddings);
  const at::Tensor& table = create_variables(*this, x.device());
  const bool training =
      snt::detail::is_true(is_training, "is_training", "VectorQuantizerEMA");
  // Gradients of the distances need the embeddings as they were.
  const bool keeps = training && at::GradMode::is_enabled();
  const auto [output, counts, sums] =
      detail::quantize(x, keeps ? table.clone() : table,
                       {.of_inputs = commitment_cost.value()}, training, who);
  if (training) update_averages(*this, counts, sums);
  return output;
}

at::Tensor VectorQuantizerEMA::quantize(
    const at::Tensor& encoding_indices) const {
  return detail::columns(create_variables(*this, encoding_indices.device()),
                         encoding_indices, {"VectorQuantizerEMA", embeddings});
}

}  // namespace snt::nets
