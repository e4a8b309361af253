// File: layers/instance_norm.h
// Normalisation of each channel of each example.

#pragma once

#include <ATen/core/Tensor.h>

#include <string>

#include "sonnet/core/initializer.h"
#include "sonnet/core/remembered.h"
#include "sonnet/core/required.h"
#include "sonnet/core/variable.h"

namespace snt {

// LayerNorm over the spatial dimensions: all but the first and the channels.
//
//   y = (x - mean(x)) / sqrt(var(x) + eps) * scale + offset
//
//   x  [N, spatial..., C], or [N, C, spatial...] for channels first; floating
//   y  shape and dtype of x
//
//     snt::InstanceNorm norm{.create_scale = true, .create_offset = true};
//     at::Tensor y = norm(at::ones({8, 5, 5, 3}));  // scale: [3]
//
// Without spatial dimensions each number is its own mean, and y is offset.
//
// Throws as LayerNorm does. Source: sonnet/src/axis_norm.py; Ulyanov et al.
// 2016, "Instance Normalization", 1607.08022.
struct InstanceNorm {
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

}  // namespace snt
