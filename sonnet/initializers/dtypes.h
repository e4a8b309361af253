// File: initializers/dtypes.h
// What the initializers ask of a dtype and a shape, and how they round to a
// dtype. Private to this folder.

#pragma once

#include <ATen/core/Tensor.h>

namespace snt::initializers::detail {

// Throws ValueError unless `dtype` is an integer or a floating dtype.
void check_numerical(at::ScalarType dtype, const char* who);

// Throws ValueError unless `dtype` is a floating dtype.
void check_floating(at::ScalarType dtype, const char* who);

// Throws TypeError unless `dtype` is floating or holds `value` exactly.
void check_holds(at::ScalarType dtype, double value, const char* who,
                 const char* option);

// Throws ValueError unless `shape` has two dimensions or more.
void check_matrix(at::IntArrayRef shape, const char* who);

// The dtype in which random numbers for `dtype` are drawn: float64 for itself,
// float32 for all others.
at::ScalarType drawn_dtype(at::ScalarType dtype);

// The largest number of a floating `dtype` that is <= value.
double largest_at_most(double value, at::ScalarType dtype);

// The largest number of a floating `dtype` that is < value.
double largest_below(double value, at::ScalarType dtype);

// The smallest number of a floating `dtype` that is >= value.
double smallest_at_least(double value, at::ScalarType dtype);

// `values` in `dtype`. What rounding would carry over a bound stays at it;
// where `dtype` has no number between the bounds, they are ignored. `values`
// may be overwritten; the bounds must be numbers of `dtype`.
at::Tensor round_inside(at::Tensor values, double lowest, double highest,
                        at::ScalarType dtype);

}  // namespace snt::initializers::detail
