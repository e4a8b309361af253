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

// What the loss is made of: `of_embeddings` times the mean square of what the
// nearest embeddings are away from x, as a function of the embeddings alone,
// and `of_inputs` times the same as a function of x alone.
struct Attractions {
  double of_embeddings = 0;
  double of_inputs = 0;
};

// The choice of embeddings, and with `wants_sums` what each was chosen by. Half
// types are computed in float32: libtorch 1.13 lacks their kernels for CPUs.
// Throws TypeError when x has another dtype than the embeddings.
struct Quantized {
  VectorQuantizerOutput output;  // In the dtype of x.
  at::Tensor counts = {};        // [K] vectors; half types in float32.
  at::Tensor sums = {};          // [D, K], of those vectors; the same.
};
Quantized quantize(const at::Tensor& x, const at::Tensor& embeddings,
                   const Attractions& attractions, bool wants_sums,
                   const Who& who);

}  // namespace snt::nets::detail
