// File: layers/linear.h
// The affine map.

#pragma once

#include <ATen/core/Tensor.h>

#include <string>

#include "sonnet/core/initializer.h"
#include "sonnet/core/required.h"
#include "sonnet/core/variable.h"

namespace snt {

// Affine map of the last dimension: y = x w + b.
//
//   x  [batch..., input_size]   rank >= 2
//   y  [batch..., output_size]  dtype of x
//
// `input_size` is read from the first x; w and b are created then, on the
// device and in the dtype of x. Copies of a Linear share w and b.
//
//     snt::Linear linear{10};
//     at::Tensor y = linear(at::ones({8, 4}));  // y: [8, 10], w: [4, 10]
//
// Throws ValueError when x has rank < 2 or another last dimension than the
// first x, TypeError when x has another dtype than w. Source: sonnet/src/
// linear.py.
struct Linear {
  Required<int64_t> output_size;  // Size of the last dimension of y.
  bool with_bias = true;          // Whether to add b.
  Initializer w_init = {};  // Unset: TruncatedNormal(1 / sqrt(input_size)).
  Initializer b_init = {};  // Unset: Zeros. Must be unset if !with_bias.
  std::string name = {};    // Replaces the field's name in tables.

  Variable w = {};  // [input_size, output_size]
  Variable b = {};  // [output_size]; never created if !with_bias.

  // Throws ValueError for options that contradict each other.
  void check() const;

  // y = x w + b.
  at::Tensor operator()(const at::Tensor& x) const;

  // The last dimension of the first x. Throws NotBuiltError before that.
  int64_t input_size() const;
};

}  // namespace snt
