// File: optimizers/rounded.h
// Arithmetic of half types where libtorch has no kernels for it. Not public.

#pragma once

#include <ATen/core/Tensor.h>

namespace snt::optimizers::detail {

// A float32 tensor that holds numbers of a half type: each operation is
// computed in float32 and rounded to that type, as TensorFlow's kernels do.
struct Rounded {
  at::Tensor value;      // In float32.
  at::ScalarType dtype;  // float16 or bfloat16.

  // `x` rounded to `dtype`.
  static Rounded of(const at::Tensor& x, at::ScalarType dtype);
  static Rounded of(double x, at::ScalarType dtype);
};

Rounded operator+(const Rounded& a, const Rounded& b);
Rounded operator-(const Rounded& a, const Rounded& b);
Rounded operator*(const Rounded& a, const Rounded& b);
Rounded operator/(const Rounded& a, const Rounded& b);
// x^t and sqrt(x).
Rounded pow(const Rounded& x, const Rounded& t);
Rounded sqrt(const Rounded& x);

// x + epsilon and 1 / sqrt(x), left in float32 where rounding would make them
// 0 or infinite: so a zero gradient does not become 0 / 0.
Rounded plus_epsilon(const Rounded& x, double epsilon);
Rounded rsqrt(const Rounded& x);

}  // namespace snt::optimizers::detail
