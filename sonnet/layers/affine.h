// File: layers/affine.h
// Matrix products in every dtype; for .cc files of this library only.

#pragma once

#include <ATen/core/Tensor.h>

namespace snt::detail {

// x w + b over the last dimension of x, where b may be undefined.
//
//   x  [batch..., in]   w  [in, out]   b  [out]   result  [batch..., out]
//
// Half types on a CPU are computed in float32 and rounded: libtorch 1.13 has no
// kernel for float16, and rounds bfloat16 differently from one to the next.
at::Tensor affine(const at::Tensor& x, const at::Tensor& w,
                  const at::Tensor& b);

}  // namespace snt::detail
