// File: layers/dropout.h
// Random zeros against overfitting.

#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <string>
#include <vector>

#include "sonnet/core/hyperparameter.h"
#include "sonnet/layers/bool_like.h"

namespace snt {

// While training, sets each value to zero with probability `rate` and scales
// the others, so that the mean stays: y = x m / (1 - rate), m in {0, 1}.
// Otherwise y = x.
//
//   x, y  any shape, any floating dtype
//
//     snt::Dropout dropout{0.5};
//     at::Tensor y = dropout(at::ones({8, 4}), /*is_training=*/true);
//
// Throws ValueError in training when the rate is not in [0, 1), x is not
// floating or noise_shape does not fit. Source: Hinton
// et al. 2012, "Improving neural networks by preventing co-adaptation of
// feature detectors"; sonnet/src/dropout.py.
struct Dropout {
  Hyperparameter rate;  // A number in [0, 1), or a Variable.
  // Shape of m, which broadcasts to that of x: 1 where values share their fate,
  // and -1 for the size of x (if it has the rank of x); unset: the shape of x.
  std::optional<std::vector<int64_t>> noise_shape = {};
  // Draws from a stream of its own; calls still differ. Unset: libtorch's
  // generator of the device of x.
  std::optional<int64_t> seed = {};
  std::string name = {};  // Replaces the field's name in tables.

  // x, with random zeros while training.
  at::Tensor operator()(const at::Tensor& x, const BoolLike& is_training) const;
};

// The same as a function, while training.
//
//     at::Tensor y = snt::dropout(at::ones({8, 4}), 0.5);
//
// Throws ValueError when `rate` is not in [0, 1) or x is not floating.
at::Tensor dropout(const at::Tensor& x, double rate,
                   const std::optional<std::vector<int64_t>>& noise_shape = {},
                   const std::optional<int64_t>& seed = {});

}  // namespace snt
