// File: nets/pooling.h
// Pooling of images, as TensorFlow pads them; for .cc files of this library
// only.

#pragma once

#include <ATen/core/Tensor.h>

namespace snt::nets::detail {

// The largest of each window of 3 x 3, two steps apart, with padding "SAME":
// what is missing around x comes half before, the odd one after, and is never
// the largest.
//
//   x  [N, H, W, C]   result  [N, ceil(H / 2), ceil(W / 2), C]
at::Tensor max_pool_3x3(const at::Tensor& x);

// The mean over height and width, whose first is dimension `height`.
//
//   x  [N, H, W, C] or [N, C, H, W]   result  [N, C]
at::Tensor mean_pool(const at::Tensor& x, int64_t height = 1);

}  // namespace snt::nets::detail
