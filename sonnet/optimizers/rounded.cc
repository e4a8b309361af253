#include "sonnet/optimizers/rounded.h"

#include <ATen/ATen.h>

namespace snt::optimizers::detail {
namespace {

Rounded rounded_if_possible(const at::Tensor& exact, at::ScalarType dtype) {
  const at::Tensor value = Rounded::of(exact, dtype).value;
  const at::Tensor possible = at::isfinite(value) & (value != 0);
  return {at::where(possible, value, exact), dtype};
}

}  // namespace

Rounded Rounded::of(const at::Tensor& x, at::ScalarType dtype) {
  return {x.to(dtype).to(at::kFloat), dtype};
}

Rounded Rounded::of(double x, at::ScalarType dtype) {
  return of(at::scalar_tensor(x), dtype);
}

Rounded operator+(const Rounded& a, const Rounded& b) {
  return Rounded::of(a.value + b.value, a.dtype);
}

Rounded operator-(const Rounded& a, const Rounded& b) {
  return Rounded::of(a.value - b.value, a.dtype);
}

Rounded operator*(const Rounded& a, const Rounded& b) {
  return Rounded::of(a.value * b.value, a.dtype);
}

Rounded operator/(const Rounded& a, const Rounded& b) {
  return Rounded::of(a.value / b.value, a.dtype);
}

Rounded pow(const Rounded& x, const Rounded& t) {
  return Rounded::of(at::pow(x.value, t.value), x.dtype);
}

Rounded sqrt(const Rounded& x) {
  return Rounded::of(at::sqrt(x.value), x.dtype);
}

Rounded plus_epsilon(const Rounded& x, double epsilon) {
  const Rounded held = Rounded::of(epsilon, x.dtype);
  const double added =
      held.value.item<double>() != 0 ? held.value.item<double>() : epsilon;
  return rounded_if_possible(x.value + added, x.dtype);
}

Rounded rsqrt(const Rounded& x) {
  const at::Tensor values = x.value.contiguous().view({-1});
  const at::Tensor result = at::rsqrt(values);
  // TensorFlow's kernel takes 8 elements at a time, and for the rest divides by
  // the rounded square root.
  const int64_t whole = values.numel() / 8 * 8;
  const at::Tensor root =
      rounded_if_possible(at::sqrt(values.slice(0, whole)), x.dtype).value;
  result.slice(0, whole).copy_(1 / root);
  return rounded_if_possible(result.view(x.value.sizes()), x.dtype);
}

}  // namespace snt::optimizers::detail
