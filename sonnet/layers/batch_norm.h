// File: layers/batch_norm.h
// Batch normalisation.

#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "sonnet/core/initializer.h"
#include "sonnet/core/remembered.h"
#include "sonnet/core/required.h"
#include "sonnet/core/variable.h"
#include "sonnet/layers/bool_like.h"
#include "sonnet/metrics/exponential_moving_average.h"

namespace snt {

// BaseBatchNorm with exponential moving averages: normalises each channel over
// all other dimensions, the batch with them, then scales and shifts it:
//
//   y = (x - mean) / sqrt(variance + eps) * scale + offset
//
//   x  [N, ..., C], or [N, C, ...] for channels first; floating, rank >= 2
//   y  shape and dtype of x
//
// In training, mean and variance are those of the batch, and the moving
// averages take them in; otherwise they are the averages. These are without the
// bias of their zero start, but before the first batch they are zeros.
//
//     snt::BatchNorm norm{.create_scale = true, .create_offset = true};
//     at::Tensor x = at::rand({8, 5, 5, 4});
//     at::Tensor y = norm(x, /*is_training=*/true);  // scale: [4]
//     at::Tensor z = norm(x, /*is_training=*/false);
//
// Copies share the variables. Throws as BaseBatchNorm does. Source: sonnet/src/
// batch_norm.py; Ioffe and Szegedy 2015, "Batch Normalization", 1502.03167.
struct BatchNorm {
  Required<bool> create_scale;   // Whether to train a scale.
  Required<bool> create_offset;  // Whether to train an offset.
  double decay_rate = 0.999;     // Of the moving averages.
  double eps = 1e-5;             // Keeps the divisor away from zero.
  Initializer scale_init = {};   // Unset: Ones. Must be unset if !create_scale.
  Initializer offset_init = {};  // Unset: Zeros; as scale_init.
  std::string data_format = "channels_last";  // Or "channels_first", "NCHW"...
  std::string name = {};  // Replaces the field's name in tables.

  Variable scale = {};   // [C], or [C, 1, ...]; trained if create_scale.
  Variable offset = {};  // The same; trained if create_offset.

  // [1, ..., C], or [1, C, 1, ...]. Calls update them with `decay_rate`, not
  // with a decay of their own.
  ExponentialMovingAverage moving_mean = {0.999};
  ExponentialMovingAverage moving_variance = {0.999};  // The same.

  Remembered<std::vector<int64_t>> shape = {};  // Of the moments: [1, ..., C].

  // Throws ValueError for options that contradict each other.
  void check() const;

  // The normalised x. With `test_local_stats` it is normalised by its own
  // moments outside training too. `scale` and `offset` must be broadcastable to
  // x, and may only be given where the module creates none.
  at::Tensor operator()(const at::Tensor& x, const BoolLike& is_training,
                        const BoolLike& test_local_stats = false,
                        const at::Tensor& scale = {},
                        const at::Tensor& offset = {}) const;
};

}  // namespace snt
