// File: kernels/rows/row_loops.h
// Loops over rows that are given by number.

#pragma once

#include <cstdint>

namespace snt::kernels {

// to[rows, depth] = d + factor (x - embeddings[indices]); no d is zero.
struct PullArgs {
  int64_t rows, depth;
  const float* d;  // [rows, depth] or null.
  const float* x;
  const float* embeddings;
  const int64_t* indices;
  float factor;
  float* to;
};
void run_Pull(PullArgs& args);

// to[depth] = the sum of the rows x[order[i]] - shift, in their order; no shift
// is zero.
struct SumRowsArgs {
  int64_t rows, depth;
  const int64_t* order;
  const float* x;
  const float* shift;  // [depth] or null.
  float* to;
};
void run_SumRows(SumRowsArgs& args);

}  // namespace snt::kernels
