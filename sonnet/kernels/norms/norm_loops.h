// File: kernels/norms/norm_loops.h
// The loops of kernels/norms/normalization.h over rows of channels, on one
// thread.
//
// A row has C numbers, one a channel; rows of x and of what is written lie one
// after the other. What a channel has of its own (mean, factor, ...) is an
// array of C.

#pragma once

#include <cstdint>

namespace snt::kernels {

// Rows to read; `stride` floats apart, 0 for one row again and again.
struct NormRows {
  const float* data;
  int64_t stride;
  int64_t rows;
  int64_t channels;
};

// sum[c] += sum_r (x[r][c] - pivot[c]),  squares[c] += sum_r (same)^2
struct SumsArgs {
  NormRows x;
  const float* pivot;
  double* sum;
  double* squares;
};
void run_Sums(SumsArgs& args);

// y[r][c] = (x[r][c] - mean[c]) factor[c] + shift[c], then + addend[r][c] if
// that is not nullptr, then max(0, .) with `relu`.
struct NormalizeArgs {
  NormRows x;
  const float* mean;
  const float* factor;
  const float* shift;
  float* y;
  const float* addend = nullptr;
  bool relu = false;
};
void run_Normalize(NormalizeArgs& args);

// sum[c] += sum_r d[r][c],  products[c] += sum_r d[r][c] (x[r][c] - mean[c])
//
// where d is dy, but 0 where a relu gave 0: where the y given is not above 0,
// or with a `shift` given what Normalize would make. With y, d is written.
struct GradientSumsArgs {
  NormRows x, dy;
  const float* mean;
  double* sum;
  double* products;
  const float* factor = nullptr;
  const float* shift = nullptr;
  const float* y = nullptr;
  float* d = nullptr;
};
void run_GradientSums(GradientSumsArgs& args);

// dx[r][c] = d[r][c] factor[c] + (x[r][c] - mean[c]) slope[c] + shift[c]
//
// where d is dy, but with `y_shift` 0 where (x - mean) factor + y_shift is not
// above 0.
struct GradientArgs {
  NormRows x, dy;
  const float* mean;
  const float* factor;
  const float* slope;
  const float* shift;
  float* dx;
  const float* y_shift = nullptr;
};
void run_Gradient(GradientArgs& args);

// Each row by its own moments; scale and offset of the channels may be nullptr:
// y[r][c] = (x[r][c] - mean[r]) rstd[r] scale[c] + offset[c]
struct RowNormArgs {
  NormRows x;
  const float* scale;
  const float* offset;
  double eps;
  float* y;
  float* mean;  // [rows]
  float* rstd;
};
void run_RowNorm(RowNormArgs& args);

// dx of the same where it is not nullptr, and
// dscale[c] += sum_r dy[r][c] (x[r][c] - mean[r]) rstd[r],
// doffset[c] += sum_r dy[r][c]
struct RowNormGradientArgs {
  NormRows x, dy;
  const float* scale;
  const float* mean;
  const float* rstd;
  float* dx;
  float* dscale;
  float* doffset;
};
void run_RowNormGradient(RowNormGradientArgs& args);

}  // namespace snt::kernels
