// File: kernels/norms/norm_passes.h
// The passes over memory of kernels/norms/normalization.h, without autograd.

#pragma once

#include <ATen/core/Tensor.h>

#include <array>

#include "sonnet/kernels/norms/normalization.h"

namespace snt::kernels {

// y, and the mean and 1 / sqrt(variance + eps) of each group, and its variance.
struct NormForward {
  at::Tensor y, mean, rstd, variance;
};

// `after` must be nothing where each row has moments of its own.
NormForward norm_forward(const at::Tensor& x, const at::Tensor& scale,
                         const at::Tensor& offset, const NormShape& shape,
                         double eps, const AfterNorm& after);

// Of x, scale, offset and addend; undefined where not wanted.
struct NormGradients {
  at::Tensor x, scale, offset, addend;
};

// Where a relu gave 0, gradients stop.
struct ReluGate {
  bool relu = false;
  at::Tensor offset;  // Either that of the channels, which may be undefined,
  at::Tensor y;       // or where something was added to them, the result.
};

// From the gradient of y, for those of x, scale and offset that are wanted; of
// the addend where the gate has a y.
NormGradients norm_backward(const at::Tensor& dy, const at::Tensor& x,
                            const at::Tensor& scale, const at::Tensor& mean,
                            const at::Tensor& rstd, const NormShape& shape,
                            std::array<bool, 3> wanted, const ReluGate& gate);

}  // namespace snt::kernels
