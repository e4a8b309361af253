// File: kernels/products/small_product.h
// Products of matrices so small that packing one of them, or waking a thread,
// takes as long as multiplying.

#pragma once

#include <cstdint>

namespace snt::kernels {

// out = left right + bias, all in memory of float32:
//
//   left   [rows, depth]      (i, k) is at i left_row + k left_depth; one of
//                             these strides is 1
//   right  [depth, columns]   (k, j) is at k right_row + j
//   bias   [columns]          or nullptr
//   out    [rows, columns]    contiguous
struct SmallProduct {
  int64_t rows, depth, columns;
  const float* left;
  int64_t left_row, left_depth;
  const float* right;
  int64_t right_row;
  float* out;
  const float* bias = nullptr;
  bool relu = false;            // out = max(out, 0); NaN stays.
  const float* gate = nullptr;  // [rows, columns]: out = 0 where gate <= 0.
};

// Computes it on the calling thread. All sizes are > 0.
void multiply(const SmallProduct& product);

// out[j, i] = in[i, j], both contiguous.
void transpose(int64_t rows, int64_t columns, const float* in, float* out);

}  // namespace snt::kernels
