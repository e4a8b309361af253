// File: layers/group_norm.h
// Normalisation of groups of channels.

#pragma once

#include <ATen/core/Tensor.h>

#include <string>

#include "sonnet/core/initializer.h"
#include "sonnet/core/remembered.h"
#include "sonnet/core/required.h"
#include "sonnet/core/variable.h"
#include "sonnet/layers/axis.h"

namespace snt {

// Splits the channels into groups of neighbours and normalises each group over
// the dimensions `axis`, then scales and shifts each channel:
//
//   y = (x - mean(x)) / sqrt(var(x) + eps) * scale + offset
//
//   x  [N, ..., C], or [N, C, ...] for channels first; floating, rank >= 2
//   y  shape and dtype of x
//
// If `axis` has the channels in it (as the default does), these are the
// channels of one group. Half types are computed in float32 and rounded once.
//
//     snt::GroupNorm norm{.groups = 2};
//     at::Tensor y = norm(at::ones({8, 5, 5, 4}));  // scale: [4]
//
// Variables are created on the first call; copies share them.
//
// Throws ValueError when C is not divisible by `groups`, and as LayerNorm does.
// Source: sonnet/src/group_norm.py; Wu and He 2018, "Group Normalization",
// 1803.08494.
struct GroupNorm {
  Required<int64_t> groups;      // How many groups; C is a multiple of it.
  Axis axis = Slice{1};          // What to normalise over; for a time in
                                 // dimension 1, Slice{2}.
  bool create_scale = true;      // Whether to own a scale.
  bool create_offset = true;     // Whether to own an offset.
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
