// File: layers/convolve.h
// Convolutions of tensors in libtorch's layout, in every dtype and with any
// padding; for .cc files of this library only.
//
//   x  [N, C, spatial...]            a channels-last view is fastest
//   w  [out, C / groups, kernel...]  a view of Sonnet's [kernel..., C, out]
//   b  [out]                         may be undefined
//
// Half types and integers on a CPU are computed in float32 and float64, then
// rounded: libtorch has no kernels for them.

#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <vector>

#include "sonnet/core/variable.h"
#include "sonnet/kernels/convolutions/convolution.h"
#include "sonnet/layers/convolution.h"

namespace snt::detail {

// {before, after} for each spatial dimension.
using Zeros = std::vector<std::array<int64_t, 2>>;

// TensorFlow's "SAME" around an input of these sizes: as many zeros as make
// ceil(size / stride) outputs, the odd one after.
Zeros same_zeros(at::IntArrayRef sizes, const Window& window);

// y[i] = sum_k w[k] x[i stride + k rate - before] + b
//
// Throws ValueError when the window is larger than x with its zeros.
at::Tensor convolve(const Who& who, const at::Tensor& x, const at::Tensor& w,
                    const at::Tensor& b, const Window& window,
                    const Zeros& zeros, int64_t groups);

// relu(factor (convolve(x, w) + b) + shift + addend) in one pass, without
// gradients; undefined where there is no kernel for it.
at::Tensor convolve_then(const Who& who, const at::Tensor& x,
                         const at::Tensor& w, const at::Tensor& b,
                         const Window& window, const Zeros& zeros,
                         const kernels::AfterConvolution& after);

// The transpose of `convolve` as a linear map, of `sizes` that the convolution
// with these zeros would take to those of x:
// y[i stride + k rate - before] += w[k] x[i], and b everywhere.
//
//   w  [C, out, kernel...]   y  [N, out, sizes...]
at::Tensor convolve_transpose(const at::Tensor& x, const at::Tensor& w,
                              const at::Tensor& b, const Window& window,
                              const Zeros& zeros, at::IntArrayRef sizes);

}  // namespace snt::detail
