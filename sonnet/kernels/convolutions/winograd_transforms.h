// File: kernels/convolutions/winograd_transforms.h
// The transforms of the minimal filtering algorithm F(4, 3): four numbers of
// the correlation of six with three, by six products instead of twelve
// (Lavin and Gray 2015, arXiv:1509.09308):
//
//   y = A^T ((G w) * (B^T x))      x [6], w [3], y [4]
//
// and, for its gradients, dw = G^T ((B^T x) * (A dy)). Its points are 0, 1, -1,
// 1/2, -2 and infinity: with them rounding errors are half of those with the
// usual 2 and -2 (Barabasz et al. 2018, arXiv:1803.10986).

#pragma once

#include "sonnet/kernels/simd.h"

namespace snt::kernels {

// B^T: what six numbers of x become.
struct InputTransform {
  static constexpr int kFrom = 6, kTo = 6;
  template <class V>
  static SNT_INLINE void run(const V (&x)[6], V (&to)[6]) {
    const V odd = x[3] - x[1], even = x[4] - x[2];
    to[0] = x[0] - x[2] + even + 1.5f * odd;
    to[1] = x[4] - x[1] + 0.5f * x[2] + 2.5f * x[3];
    to[2] = x[4] + x[1] - 2.5f * x[2] + 0.5f * x[3];
    to[3] = even + 2.0f * odd;
    to[4] = even - 0.5f * odd;
    to[5] = x[5] - x[3] + 1.5f * even - odd;
  }
};

// A^T: what six products add up to.
struct OutputTransform {
  static constexpr int kFrom = 6, kTo = 4;
  template <class V>
  static SNT_INLINE void run(const V (&m)[6], V (&to)[4]) {
    const V sum = m[1] + m[2], difference = m[1] - m[2];
    to[0] = m[0] + sum + m[3] + m[4];
    to[1] = difference + 0.5f * m[3] - 2.0f * m[4];
    to[2] = sum + 0.25f * m[3] + 4.0f * m[4];
    to[3] = difference + 0.125f * m[3] - 8.0f * m[4] + m[5];
  }
};

// A: what the gradients of four outputs become.
struct OutputGradientTransform {
  static constexpr int kFrom = 4, kTo = 6;
  template <class V>
  static SNT_INLINE void run(const V (&d)[4], V (&to)[6]) {
    const V even = d[0] + d[2], odd = d[1] + d[3];
    to[0] = d[0];
    to[1] = even + odd;
    to[2] = even - odd;
    to[3] = d[0] + 0.5f * d[1] + 0.25f * d[2] + 0.125f * d[3];
    to[4] = d[0] - 2.0f * d[1] + 4.0f * d[2] - 8.0f * d[3];
    to[5] = d[3];
  }
};

// G: what three weights become. Its rows are (1, p, p^2) by the product of the
// distances of p to the other points.
struct WeightTransform {
  static constexpr int kFrom = 3, kTo = 6;
  template <class V>
  static SNT_INLINE void run(const V (&w)[3], V (&to)[6]) {
    const V even = w[0] + w[2];
    to[0] = w[0];
    to[1] = (even + w[1]) * (1 / 3.0f);
    to[2] = (even - w[1]) * (-1 / 3.0f);
    to[3] = (w[0] + 0.5f * w[1] + 0.25f * w[2]) * (-16 / 15.0f);
    to[4] = (w[0] - 2.0f * w[1] + 4.0f * w[2]) * (1 / 15.0f);
    to[5] = w[2];
  }
};

// G^T: what six sums of products add up to.
struct WeightGradientTransform {
  static constexpr int kFrom = 6, kTo = 3;
  template <class V>
  static SNT_INLINE void run(const V (&u)[6], V (&to)[3]) {
    const V a = u[1] * (1 / 3.0f), b = u[2] * (-1 / 3.0f);
    const V c = u[3] * (-16 / 15.0f), d = u[4] * (1 / 15.0f);
    to[0] = u[0] + (a + b) + c + d;
    to[1] = (a - b) + 0.5f * c - 2.0f * d;
    to[2] = (a + b) + 0.25f * c + 4.0f * d + u[5];
  }
};

// Rows and columns of a square: to = T from T^T.
template <class Transform, class V>
SNT_INLINE void transform_square(
    const V (&from)[Transform::kFrom][Transform::kFrom],
    V (&to)[Transform::kTo][Transform::kTo]) {
  constexpr int kFrom = Transform::kFrom, kTo = Transform::kTo;
  V rows[kTo][kFrom];
#pragma GCC unroll 6
  for (int j = 0; j < kFrom; ++j) {
    V column[kFrom], all[kTo];
#pragma GCC unroll 6
    for (int i = 0; i < kFrom; ++i) column[i] = from[i][j];
    Transform::run(column, all);
#pragma GCC unroll 6
    for (int i = 0; i < kTo; ++i) rows[i][j] = all[i];
  }
#pragma GCC unroll 6
  for (int i = 0; i < kTo; ++i) Transform::run(rows[i], to[i]);
}

}  // namespace snt::kernels
