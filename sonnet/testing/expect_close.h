// File: testing/expect_close.h
// Tensors against numbers that were computed slowly in float64.

#pragma once

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace snt {

// How far one operation in `dtype` may be from the exact number: a few units in
// the last place of 1, nothing for integers.
inline double tolerance(at::ScalarType dtype) {
  switch (dtype) {
    case at::kDouble:
      return 1e-14;
    case at::kFloat:
      return 1e-6;
    case at::kHalf:
      return 2e-3;
    case at::kBFloat16:
      return 1.6e-2;
    default:
      return 0;
  }
}

// That `got` has shape and values of `want` (of any dtype), as closely as the
// dtype of `got` allows, and that dtype.
inline void expect_close(const at::Tensor& got, const at::Tensor& want,
                         at::ScalarType dtype, double factor = 1) {
  ASSERT_EQ(got.scalar_type(), dtype);
  ASSERT_EQ(got.sizes(), want.sizes());
  const double tol = factor * tolerance(dtype);
  const at::Tensor a = got.detach().to(at::kDouble);
  const at::Tensor b = want.detach().to(at::kDouble);
  EXPECT_TRUE(at::allclose(a, b, tol, tol)) << "got " << a << "\nwant " << b;
}
inline void expect_close(const at::Tensor& got, const at::Tensor& want,
                         double factor = 1) {
  expect_close(got, want, got.scalar_type(), factor);
}

}  // namespace snt
