// File: testing/uneven.h
// Numbers that tell mistakes apart.

#pragma once

#include <ATen/ATen.h>

#include <cmath>
#include <cstdint>

namespace snt {

// Numbers in [-1, 1] that differ in size, sign and value; another `salt` gives
// others. No two elements of a small tensor are alike, and none is 0.
inline at::Tensor uneven(at::IntArrayRef shape,
                         at::ScalarType dtype = at::kDouble, int64_t salt = 0) {
  at::Tensor result = at::empty(shape, at::kDouble);
  double* values = result.data_ptr<double>();
  for (int64_t i = 0; i < result.numel(); ++i) {
    values[i] = std::sin(1.7 * static_cast<double>(i + 1) +
                         2.3 * static_cast<double>(salt));
  }
  return result.to(dtype);
}

}  // namespace snt
