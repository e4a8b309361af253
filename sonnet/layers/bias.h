// File: layers/bias.h
// An added variable.

#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "sonnet/core/initializer.h"
#include "sonnet/core/remembered.h"
#include "sonnet/core/variable.h"

namespace snt {

// Adds a bias: y = x + b, or x + multiplier b.
//
//   x  [B, ...]  rank >= 2
//   y  shape and dtype of x
//
// b has the shape of x without the batch, or only the dimensions that
// `bias_dims` names: {} is one scalar, {-1} one value a channel (NHWC), {1, 3}
// has shape [d1, 1, d3]. It is created on the first call. Copies share it.
//
//     snt::Bias channels{.bias_dims = {{-1}}};
//     at::Tensor y = channels(at::ones({8, 4, 4, 3}));  // b: [3]
//
// Throws ValueError when x has rank < 2, when a dimension is the batch or does
// not exist, and when x does not fit b; TypeError when x or the multiplier has
// another dtype than b. Source: sonnet/src/bias.py.
struct Bias {
  // The shape of x without the batch, checked on each call (an int for x of
  // rank 2); unset: any.
  std::optional<std::variant<int64_t, std::vector<int64_t>>> output_size = {};
  // The dimensions of x that b has, negative ones from the end; unset: all but
  // the batch.
  std::optional<std::vector<int64_t>> bias_dims = {};
  Initializer b_init = {};  // Unset: Zeros.
  std::string name = {};    // Replaces the field's name in tables.

  Variable b = {};                                    // See above.
  Remembered<std::vector<int64_t>> input_shape = {};  // x without the batch.

  // What b is multiplied with: a number (an integer where x has integers), or a
  // tensor of the dtype of x.
  using Multiplier = std::optional<std::variant<int64_t, double, at::Tensor>>;

  // y = x + multiplier b.
  at::Tensor operator()(const at::Tensor& x,
                        const Multiplier& multiplier = {}) const;

  // The shape of the first x without the batch. Throws NotBuiltError before.
  std::vector<int64_t> input_size() const;
};

}  // namespace snt
