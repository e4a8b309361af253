// File: layers/reshape.h
// Other shapes for the same values.

#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <string>
#include <vector>

#include "sonnet/core/remembered.h"
#include "sonnet/core/required.h"

namespace snt {

// Keeps the first `preserve_dims` dimensions and gives the others a new shape,
// in which one size may be -1.
//
//   x  [d_1, ..., d_p, ...]           p = preserve_dims
//   y  [d_1, ..., d_p, output_shape]  a view of x where possible
//
//     snt::Reshape reshape{.output_shape = {-1, 3}, .preserve_dims = 2};
//     at::Tensor y = reshape(at::ones({8, 4, 5, 3}));  // y: [8, 4, 5, 3]
//
// Throws ValueError when x has too few dimensions or its values do not fit.
// Source: sonnet/src/reshape.py.
struct Reshape {
  Required<std::vector<int64_t>> output_shape;  // May hold one -1.
  int64_t preserve_dims = 1;  // Leading dimensions that stay; >= 1.
  std::string name = {};      // Replaces the field's name in tables.

  // The shape of the first x without the preserved dimensions.
  Remembered<std::vector<int64_t>> input_shape = {};

  // Throws ValueError when preserve_dims < 1.
  void check() const;

  // x in its new shape.
  at::Tensor operator()(const at::Tensor& x) const;

  // The module that goes back to the shape of the first x. Its name is this
  // one's with "_reversed", unless one is given.
  //
  // Throws NotBuiltError before the first call.
  Reshape reversed(const std::optional<std::string>& name = {}) const;
};

// Makes all but the first `preserve_dims` dimensions one.
//
//   x  [d_1, ..., d_p, ...]  ->  y  [d_1, ..., d_p, product of the rest]
//
//     snt::Flatten flatten;
//     at::Tensor y = flatten(at::ones({8, 4, 4, 3}));  // y: [8, 48]
//
// Throws ValueError when x has fewer dimensions. Source: sonnet/src/reshape.py.
struct Flatten {
  int64_t preserve_dims = 1;  // Leading dimensions that stay; >= 1.
  std::string name = {};      // Replaces the field's name in tables.

  // The shape of the first x without the preserved dimensions.
  Remembered<std::vector<int64_t>> input_shape = {};

  // Throws ValueError when preserve_dims < 1.
  void check() const;

  // x with fewer dimensions.
  at::Tensor operator()(const at::Tensor& x) const;

  // The Reshape that goes back. Throws NotBuiltError before the first call.
  Reshape reversed(const std::optional<std::string>& name = {}) const;
};

// Reshape and Flatten as functions.
//
//     at::Tensor y = snt::reshape(at::ones({8, 6}), {2, -1});  // [8, 2, 3]
//     at::Tensor z = snt::flatten(y);                          // [8, 6]
at::Tensor reshape(const at::Tensor& x,
                   const std::vector<int64_t>& output_shape,
                   int64_t preserve_dims = 1);
// See above.
at::Tensor flatten(const at::Tensor& x);

}  // namespace snt
