// File: layers/conv_then.h
// A convolution, a batch norm and a relu as one, for networks; for .cc files of
// this library only.

#pragma once

#include <ATen/core/Tensor.h>

#include "sonnet/kernels/convolutions/convolution.h"
#include "sonnet/kernels/norms/normalization.h"
#include "sonnet/layers/batch_norm.h"
#include "sonnet/layers/conv.h"

namespace snt::detail {

// relu(factor conv(x) + shift + addend), without gradients, for a convolution
// with variables. `addend` has the layout of the convolution's kernel, channels
// in dimension 1. Undefined where there is no kernel for it.
at::Tensor conv_then(const Conv2D& conv, const at::Tensor& x,
                     const kernels::AfterConvolution& after);

// When a batch norm uses which moments.
struct NormMode {
  bool is_training = false;
  bool test_local_stats = false;
};

// relu(norm(x) + addend): what follows costs no pass of its own where the
// kernels of this library take x.
at::Tensor norm_then(const BatchNorm& norm, const at::Tensor& x,
                     const NormMode& mode, const kernels::AfterNorm& after);

// relu(norm(conv(x)) + addend). Outside training and without gradients the norm
// goes into the weights: all is one convolution.
at::Tensor conv_norm_then(const Conv2D& conv, const BatchNorm& norm,
                          const at::Tensor& x, const NormMode& mode,
                          const kernels::AfterNorm& after);

}  // namespace snt::detail
