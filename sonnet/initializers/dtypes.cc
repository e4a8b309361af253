#include "sonnet/initializers/dtypes.h"

#include <ATen/ATen.h>

#include <cmath>
#include <cstdint>
#include <limits>

#include "sonnet/core/errors.h"

namespace snt::initializers::detail {
namespace {

bool is_integer(at::ScalarType dtype) {
  return at::isIntegralType(dtype, /*includeBool=*/false);
}

// The next number towards minus infinity.
float below(float value) {
  return std::nextafter(value, -std::numeric_limits<float>::infinity());
}
double below(double value) {
  return std::nextafter(value, -std::numeric_limits<double>::infinity());
}
// Half and BFloat16: a sign bit, then a magnitude that counts up.
template <class T>
T below(T value) {
  constexpr uint16_t sign = 0x8000;
  uint16_t bits = value.x;
  if (bits == 0) {
    bits = sign | 1;
  } else {
    bits = static_cast<uint16_t>(bits & sign ? bits + 1 : bits - 1);
  }
  return T(bits, T::from_bits());
}

template <class T, class IsFine>
double step_down(double value, const IsFine& is_fine) {
  T rounded = static_cast<T>(value);
  while (!is_fine(static_cast<double>(rounded))) rounded = below(rounded);
  return static_cast<double>(rounded);
}

// The nearest number of `dtype`, or the first below it that `is_fine` takes.
template <class IsFine>
double step_down(double value, at::ScalarType dtype, const IsFine& is_fine) {
  switch (dtype) {
    case at::kDouble:
      return step_down<double>(value, is_fine);
    case at::kHalf:
      return step_down<at::Half>(value, is_fine);
    case at::kBFloat16:
      return step_down<at::BFloat16>(value, is_fine);
    default:
      return step_down<float>(value, is_fine);
  }
}

}  // namespace

void check_numerical(at::ScalarType dtype, const char* who) {
  snt::check(at::isFloatingType(dtype) || is_integer(dtype), who,
             "Expected integer or floating point type, got <dtype: '", dtype,
             "'>");
}

void check_floating(at::ScalarType dtype, const char* who) {
  snt::check(at::isFloatingType(dtype), who,
             "Expected floating point type, got <dtype: '", dtype, "'>");
}

void check_holds(at::ScalarType dtype, double value, const char* who,
                 const char* option) {
  if (!is_integer(dtype)) return;
  const bool is_signed = at::isSignedType(dtype);
  const int bits = static_cast<int>(8 * at::elementSize(dtype)) - is_signed;
  const double end = std::ldexp(1.0, bits);
  snt::check<TypeError>(std::trunc(value) == value &&
                            value >= (is_signed ? -end : 0) && value < end,
                        who, option, " must be an integer that ", dtype,
                        " holds, got ", value);
}

void check_matrix(at::IntArrayRef shape, const char* who) {
  snt::check(shape.size() >= 2, who,
             "The tensor to initialize must be at least two-dimensional, got "
             "shape ",
             shape);
}

at::ScalarType drawn_dtype(at::ScalarType dtype) {
  return dtype == at::kDouble ? at::kDouble : at::kFloat;
}

double largest_at_most(double value, at::ScalarType dtype) {
  return step_down(value, dtype, [&](double x) { return !(x > value); });
}

double largest_below(double value, at::ScalarType dtype) {
  return step_down(value, dtype, [&](double x) { return !(x >= value); });
}

double smallest_at_least(double value, at::ScalarType dtype) {
  return -largest_at_most(-value, dtype);
}

at::Tensor round_inside(at::Tensor values, double lowest, double highest,
                        at::ScalarType dtype) {
  if (lowest <= highest) values.clamp_(lowest, highest);
  return values.to(dtype);
}

}  // namespace snt::initializers::detail
