// File: layers/layer_norm.h
// Normalisation over dimensions of one's choice.

#pragma once

#include <ATen/core/Tensor.h>

#include <string>

#include "sonnet/core/initializer.h"
#include "sonnet/core/remembered.h"
#include "sonnet/core/required.h"
#include "sonnet/core/variable.h"
#include "sonnet/layers/axis.h"

namespace snt {

// Normalises over the dimensions `axis`, then scales and shifts each channel:
//
//   y = (x - mean(x)) / sqrt(var(x) + eps) * scale + offset
//
//   x  [N, ..., C], or [N, C, ...] for channels first; floating
//   y  shape and dtype of x
//
// var is the variance of the population: the mean of (x - mean(x))^2. Half
// types are computed in float32 and rounded once.
//
//     snt::LayerNorm norm{.axis = -1, .create_scale = true,
//                         .create_offset = true};
//     at::Tensor y = norm(at::ones({8, 4}));  // y: [8, 4], scale: [4]
//
// Usual axes: -1 for the channels, snt::Slice{1} for all but the batch,
// snt::Slice{2} where dimension 1 is time. Instead of own ones, scale and
// offset may be given at each call, as conditional norms do. Variables are
// created on the first call; copies share them.
//
// Throws ValueError when the rank or the number of channels changes, and for a
// scale or offset that does not fit; TypeError for another dtype than that of
// the first x. Source: sonnet/src/axis_norm.py; Ba et al. 2016, "Layer
// Normalization", 1607.06450.
struct LayerNorm {
  Axis axis;                     // What to normalise over.
  Required<bool> create_scale;   // Whether to own a scale.
  Required<bool> create_offset;  // Whether to own an offset.
  double eps = 1e-5;             // Keeps the divisor away from zero.
  Initializer scale_init = {};   // Unset: Ones. Must be unset if !create_scale.
  Initializer offset_init = {};  // Unset: Zeros; as scale_init.
  std::string data_format = "channels_last";  // Or "channels_first", "NCHW"...
  std::string name = {};  // Replaces the field's name in tables.

  Variable scale = {};   // [C], or [C, 1, ...]; never created without the flag.
  Variable offset = {};  // The same.

  Remembered<int64_t> rank = {};  // Of the first x.

  // Throws ValueError for options that contradict each other.
  void check() const;

  // The normalised x. `scale` and `offset` must be broadcastable to x, and may
  // only be given where the module has none.
  at::Tensor operator()(const at::Tensor& x, const at::Tensor& scale = {},
                        const at::Tensor& offset = {}) const;
};

// The name that LayerNorm had in early versions of Sonnet 2.
using AxisNorm = LayerNorm;

}  // namespace snt
