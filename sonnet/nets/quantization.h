// File: nets/quantization.h
// The steps that both vector quantizers take; for .cc files of this library
// only.

#pragma once

#include <ATen/core/Tensor.h>

#include "sonnet/core/variable.h"
#include "sonnet/nets/vector_quantizer.h"

namespace snt::nets::detail {

// Throws ValueError unless there are vectors to choose from.
void check_quantizer(int64_t embedding_dim, int64_t num_embeddings,
                     const char* type);

// Throws ValueError unless x is [batch..., embedding_dim].
void check_vectors(const at::Tensor& x, int64_t embedding_dim, const Who& who);

// The embeddings [D, K], created if this is the first call.
const at::Tensor& create_embeddings(const Variable& embeddings,
                                    at::IntArrayRef shape, at::ScalarType dtype,
                                    const at::Device& device);

// The columns of `embeddings` of these numbers: [shape of indices..., D].
at::Tensor columns(const at::Tensor& embeddings, const at::Tensor& indices,
                   const Who& who);

// mean(x^2).
at::Tensor mean_square(const at::Tensor& x);

// The choice of embeddings, without a loss. Half types are computed in float32:
// libtorch 1.13 lacks their kernels for CPUs. Throws TypeError when x has
// another dtype than the embeddings.
struct Quantized {
  VectorQuantizerOutput output;  // All but the loss, in the dtype of x.
  at::Tensor inputs;             // x; half types in float32.
  at::Tensor nearest;            // The embeddings, like `inputs`.
};
Quantized quantize(const at::Tensor& x, const at::Tensor& embeddings,
                   const Who& who);

}  // namespace snt::nets::detail
