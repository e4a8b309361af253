// File: kernels/products/gemm.h
// Products of float32 matrices in memory, on oneDNN and libtorch's threads.

#pragma once

#include <cstdint>

namespace snt::kernels {

// A batch of matrices. Rows, or columns where `transposed`, are contiguous and
// `stride` numbers apart.
struct GemmOperand {
  const float* data = nullptr;
  int64_t stride = 0;
  int64_t batch_stride = 0;
  bool transposed = false;
};

// What is added to the products; any stride may be 0.
struct GemmAddend {
  const float* data = nullptr;
  int64_t batch_stride = 0;
  int64_t row_stride = 0;
  int64_t column_stride = 0;
};

// out = beta * addend + alpha * a @ b for every batch, with a [m, k], b [k, n]
// and rows of `out` contiguous. Sizes are > 0, the strides of a and b at least
// their rows' (columns') length. `out` overlaps nothing else, but the addend
// may be `out` itself, with the same strides. Nothing is added, not even NaN,
// where beta is 0.
struct Gemm {
  int64_t batches = 1;
  int64_t m = 0;
  int64_t n = 0;
  int64_t k = 0;
  GemmOperand a = {};
  GemmOperand b = {};
  GemmAddend addend = {};
  float* out = nullptr;
  int64_t out_stride = 0;
  int64_t out_batch_stride = 0;
  float alpha = 1;
  float beta = 0;
};

// Computes it. The same numbers come for the same sizes, strides and number of
// threads. Call it while is_alive() of onednn.h only.
//
// oneDNN 2's sgemm, not its matmul primitive: as fast on large matrices, up to
// ten times as fast on small and thin ones, and nothing to compile, keep and
// share per shape (150 to 500 us for each new one). Its own way of sharing the
// work waits in barriers and leaves a core idle for flat products, so blocks of
// `out` are shared here instead.
//
// Throws std::bad_alloc.
void gemm(const Gemm& g);

}  // namespace snt::kernels
