// File: kernels/products/tile_product.h
// Products of a few rows with a large matrix that is used again and again: the
// step of a recurrent core.
//
// The matrix is packed once, into panels of two vectors of columns:
//
//   panel  [depth, 2 kWidth]   kWidth floats are a vector of the instruction
//   set

#pragma once

#include <cstdint>

#include "sonnet/kernels/simd.h"

namespace snt::kernels {

// out = left panel
//
//   left [rows, depth], out [rows, 2 kWidth]   of the given strides
void multiply(Avx512Isa, int64_t rows, int64_t depth, const float* left,
              int64_t left_stride, const float* panel, float* out,
              int64_t out_stride);
void multiply(Avx2Isa, int64_t rows, int64_t depth, const float* left,
              int64_t left_stride, const float* panel, float* out,
              int64_t out_stride);
void multiply(PlainIsa, int64_t rows, int64_t depth, const float* left,
              int64_t left_stride, const float* panel, float* out,
              int64_t out_stride);

// out += left^T panel
//
//   left [depth, rows], out [rows, 2 kWidth]   of the given strides
void add_transposed_product(Avx512Isa, int64_t rows, int64_t depth,
                            const float* left, int64_t left_stride,
                            const float* panel, float* out, int64_t out_stride);
void add_transposed_product(Avx2Isa, int64_t rows, int64_t depth,
                            const float* left, int64_t left_stride,
                            const float* panel, float* out, int64_t out_stride);
void add_transposed_product(PlainIsa, int64_t rows, int64_t depth,
                            const float* left, int64_t left_stride,
                            const float* panel, float* out, int64_t out_stride);

// kWidth of the instruction set of isa_level().
int64_t vector_width();

}  // namespace snt::kernels
