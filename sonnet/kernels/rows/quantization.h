// File: kernels/rows/quantization.h
// Vector quantization with its gradients on a CPU, around nearest.h.

#pragma once

#include <ATen/core/Tensor.h>

namespace snt::kernels {

// With the error, the mean of (e - x)^2 over all numbers of the nearest e:
//
//   loss = to_x error(e) + to_e error(x)
//
// where error(v) is a function of v only: to_x pulls e towards x.
struct QuantizationLoss {
  double to_x, to_e;
};

// Gradients flow to x, and to the table where it is no constant.
struct Quantization {
  at::Tensor quantized;  // [N, D]: the nearest, with the gradient of x.
  at::Tensor loss;       // []
  at::Tensor distances;  // [N, K], squared.
  at::Tensor encodings;  // [N, K], 1 at the nearest, else 0.
  at::Tensor indices;    // [N], int64.
  at::Tensor counts;     // [K]: how many rows chose each.
  at::Tensor sums;       // [D, K]: the sums of those rows, if asked for.
};

// Whether `quantize_vectors` takes these: plain float32 tensors on a CPU with
// elements.
bool takes_quantization(const at::Tensor& x, const at::Tensor& table);

// The nearest columns of the table for the rows of x; the first of equals.
//
//   x  [N, D]   table  [D, K]
Quantization quantize_vectors(const at::Tensor& x, const at::Tensor& table,
                              const QuantizationLoss& loss, bool wants_sums);

}  // namespace snt::kernels
