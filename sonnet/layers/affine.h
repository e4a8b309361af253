// File: layers/affine.h
// Matrix products in every dtype; for .cc files of this library only.
//
// Half types on a CPU are computed in float32 and rounded: libtorch 1.13 has no
// kernel for float16, and rounds bfloat16 differently from one to the next.

#pragma once

#include <ATen/core/Tensor.h>

namespace snt::detail {

// x w + b over the last dimension of x, where b may be undefined.
//
//   x  [batch..., in]   w  [in, out]   b  [out]   result  [batch..., out]
at::Tensor affine(const at::Tensor& x, const at::Tensor& w,
                  const at::Tensor& b);

// x[i] w[i] + b[i] for each i, where b may be undefined.
//
//   x  [n, B, in]   w  [n, in, out]   b  [n, 1, out]   result  [n, B, out]
at::Tensor batched_affine(const at::Tensor& x, const at::Tensor& w,
                          const at::Tensor& b);

}  // namespace snt::detail
