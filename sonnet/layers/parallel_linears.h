// File: layers/parallel_linears.h
// Several affine maps at once.

#pragma once

#include <ATen/core/Tensor.h>

#include <string>

#include "sonnet/core/initializer.h"
#include "sonnet/core/required.h"
#include "sonnet/core/variable.h"

namespace snt {

// As many independent Linear maps as x has entries in its first dimension, in
// one batched product: y[i] = x[i] w[i] + b[i].
//
//   x  [n, B, input_size]
//   y  [n, B, output_size]  dtype of x
//
// w and b are created on the first call. Copies share them.
//
//     snt::ParallelLinears heads{5};
//     at::Tensor y = heads(at::ones({3, 8, 4}));  // y: [3, 8, 5]
//
// Throws ValueError when x has another rank than 3 or does not fit w. Source:
// sonnet/src/parallel_linear.py (not exported there).
struct ParallelLinears {
  Required<int64_t> output_size;  // Size of the last dimension of y.
  bool with_bias = true;          // Whether to add b.
  Initializer w_init = {};  // Unset: TruncatedNormal(1 / sqrt(input_size)).
  Initializer b_init = {};  // Unset: Zeros. Must be unset if !with_bias.
  std::string name = {};    // Replaces the field's name in tables.

  Variable w = {};  // [n, input_size, output_size]
  Variable b = {};  // [n, 1, output_size]; never created if !with_bias.

  // Throws ValueError for options that contradict each other.
  void check() const;

  // y[i] = x[i] w[i] + b[i].
  at::Tensor operator()(const at::Tensor& x) const;

  // The last dimension of the first x. Throws NotBuiltError before that.
  int64_t input_size() const;
};

}  // namespace snt
