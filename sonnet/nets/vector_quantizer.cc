#include "sonnet/nets/vector_quantizer.h"

#include <ATen/ATen.h>

#include "sonnet/core/scope.h"
#include "sonnet/initializers/dtypes.h"
#include "sonnet/nets/quantization.h"

namespace snt::nets {

void VectorQuantizer::check() const {
  detail::check_quantizer(embedding_dim, num_embeddings, "VectorQuantizer");
  initializers::detail::check_floating(dtype, "VectorQuantizer");
}

VectorQuantizerOutput VectorQuantizer::operator()(
    const at::Tensor& x, const BoolLike& /*is_training*/) const {
  const Who who{"VectorQuantizer", embeddings};
  if (!embeddings.is_built()) check();
  detail::check_vectors(x, embedding_dim, who);

  const name_scope scope("VectorQuantizer", embeddings);
  const at::Tensor& table = detail::create_embeddings(
      embeddings, {embedding_dim, num_embeddings}, dtype, x.device());

  return detail::quantize(
             x, table,
             {.of_embeddings = 1, .of_inputs = commitment_cost.value()},
             /*wants_sums=*/false, who)
      .output;
}

at::Tensor VectorQuantizer::quantize(const at::Tensor& encoding_indices) const {
  if (!embeddings.is_built()) check();
  const at::Tensor& table =
      detail::create_embeddings(embeddings, {embedding_dim, num_embeddings},
                                dtype, encoding_indices.device());
  return detail::columns(table, encoding_indices,
                         {"VectorQuantizer", embeddings});
}

}  // namespace snt::nets
