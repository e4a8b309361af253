// File: initializers/constant.h
// Initial values without chance: Zeros, Ones, Constant, Identity.

#pragma once

#include <ATen/core/Tensor.h>

#include "sonnet/core/initializer.h"
#include "sonnet/core/required.h"

namespace snt::initializers {

// Sonnet's name for what every initializer here is, and any function
// (shape, dtype) -> tensor.
using snt::Initializer;

// Zeros: x = 0.
//
//   shape  any
//   dtype  any integer or floating dtype
//
//     at::Tensor b = snt::initializers::Zeros{}({3});
//
// Throws ValueError when `dtype` is neither an integer nor a floating dtype.
struct Zeros {
  // A new tensor of zeros.
  at::Tensor operator()(at::IntArrayRef shape,
                        at::ScalarType dtype = at::kFloat) const;
};

// Ones: x = 1.
//
//   shape  any
//   dtype  any integer or floating dtype
//
//     at::Tensor scale = snt::initializers::Ones{}({3}, at::kDouble);
//
// Throws ValueError when `dtype` is neither an integer nor a floating dtype.
struct Ones {
  // A new tensor of ones.
  at::Tensor operator()(at::IntArrayRef shape,
                        at::ScalarType dtype = at::kFloat) const;
};

// The same number everywhere: x = value.
//
//   shape  any
//   dtype  any integer or floating dtype
//
//     at::Tensor b = snt::initializers::Constant{0.1}({3});
//     snt::Linear linear{.output_size = 3,
//                        .b_init = snt::initializers::Constant{-1}};
//
// Throws ValueError when `dtype` is neither an integer nor a floating dtype,
// TypeError when it is an integer dtype that does not hold `value` exactly.
struct Constant {
  Required<double> value;  // Any number.

  // A new tensor of `value`.
  at::Tensor operator()(at::IntArrayRef shape,
                        at::ScalarType dtype = at::kFloat) const;
};

// The identity matrix, scaled: x[..., i, j] = gain if i == j, else 0.
//
//   shape  [batch..., rows, columns], rank >= 2
//   dtype  any integer or floating dtype
//
//     at::Tensor w = snt::initializers::Identity{}({4, 4});
//     at::Tensor halves = snt::initializers::Identity{0.5}({3, 3, 8, 8});
//
// Throws ValueError when `shape` has rank < 2 or `dtype` is neither an integer
// nor a floating dtype, TypeError when it is an integer dtype that does not
// hold `gain` exactly.
struct Identity {
  double gain = 1.0;  // What stands on the diagonal.

  // New identity matrices times `gain`.
  at::Tensor operator()(at::IntArrayRef shape,
                        at::ScalarType dtype = at::kFloat) const;
};

}  // namespace snt::initializers
