// File: kernels/convolutions/convolution.h
// Convolutions of channels-last float32 arrays on a CPU through oneDNN. Arrays
// are read and written where they are, with any zeros around them; only w and
// its gradient are brought to the kernel's order and back.

#pragma once

#include <ATen/core/Tensor.h>

#include "sonnet/kernels/convolutions/conv_plan.h"

namespace snt::kernels {

// Whether the functions below take these: plain float32 tensors on a CPU (b may
// be undefined) with elements, the array dense with its channels last. w may
// have any strides.
bool takes_convolution(const at::Tensor& array, const at::Tensor& w,
                       const at::Tensor& b);

// y[i] = sum_k w[k] x[i stride + k rate - before] + b, of these sizes.
at::Tensor convolution(const at::Tensor& x, const at::Tensor& w,
                       const at::Tensor& b, const ConvWindow& window,
                       at::IntArrayRef y_sizes);

// x[i stride + k rate - before] += w[k] y[i], and b everywhere: the transpose
// of the one above, of these sizes.
//
//   y  [N, out, spatial...]   w  [out, C, kernel...]   x  [N, C, spatial...]
at::Tensor convolution_transpose(const at::Tensor& y, const at::Tensor& w,
                                 const at::Tensor& b, const ConvWindow& window,
                                 at::IntArrayRef x_sizes);

// What follows a convolution in a network, for each output channel or each
// number: relu(factor y + shift + addend).
struct AfterConvolution {
  at::Tensor factor, shift;  // [out]
  at::Tensor addend = {};    // Of the shape of y; may be undefined.
  bool relu = false;
};

// relu(factor convolution(x, w) + shift + addend) in one pass, without
// gradients. A relu in it makes 0 of NaN.
//
// Undefined where oneDNN has no kernel for it, or an array is not as
// `takes_convolution` wants it.
at::Tensor convolution_then(const at::Tensor& x, const at::Tensor& w,
                            const AfterConvolution& after,
                            const ConvWindow& window, at::IntArrayRef y_sizes);

}  // namespace snt::kernels
