// File: core/half.h
// The half types, which libtorch 1.13 has few kernels for on a CPU; for .cc
// files of this library only.

#pragma once

#include <ATen/core/Tensor.h>

namespace snt::detail {

// Whether it is float16 or bfloat16.
inline bool is_half(at::ScalarType dtype) {
  return dtype == at::kHalf || dtype == at::kBFloat16;
}
inline bool is_half(const at::Tensor& x) { return is_half(x.scalar_type()); }

// The same, and on a CPU.
inline bool is_half_on_cpu(const at::Tensor& x) {
  return x.is_cpu() && is_half(x);
}

// x, half types in float32.
inline at::Tensor widened(const at::Tensor& x) {
  return is_half(x) ? x.to(at::kFloat) : x;
}

}  // namespace snt::detail
