// File: layers/base_batch_norm.h
// Batch normalisation with statistics of any kind.

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
#include "sonnet/metrics/metric.h"

namespace snt {

// Normalises each channel over all other dimensions, the batch with them, then
// scales and shifts it:
//
//   y = (x - mean) / sqrt(variance + eps) * scale + offset
//
//   x  [N, ..., C], or [N, C, ...] for channels first; floating, rank >= 2
//   y  shape and dtype of x
//
// In training, mean and variance are those of the batch, and two metrics take
// them in; otherwise they are what the metrics say then. The variance is that
// of the population; but what the metric takes in from float32 of rank 4 with
// channels last is n / (n - 1) of it, as Sonnet has it. Half types are computed
// in float32 and rounded once.
//
//     snt::BaseBatchNorm norm{.create_scale = true, .create_offset = true,
//                             .moving_mean = snt::Mean{},
//                             .moving_variance = snt::Mean{}};
//     at::Tensor x = at::rand({8, 5, 5, 4});
//     at::Tensor y = norm(x, /*is_training=*/true);  // scale: [4]
//     at::Tensor z = norm(x, /*is_training=*/false);
//
// Both variables exist in any case; those that are not to be created are not
// trained, and stand back for a scale or offset that is given at the call.
// Copies share variables and metrics.
//
// Throws ValueError when the number of channels changes, and for a scale or
// offset that does not fit; TypeError for another dtype than that of the first
// x. Source: sonnet/src/batch_norm.py; Ioffe and Szegedy 2015, "Batch
// Normalization", 1502.03167.
struct BaseBatchNorm {
  Required<bool> create_scale;   // Whether to train a scale.
  Required<bool> create_offset;  // Whether to train an offset.
  Metric moving_mean;            // Takes in the mean of each batch.
  Metric moving_variance;        // Takes in its variance.
  double eps = 1e-5;             // Keeps the divisor away from zero.
  Initializer scale_init = {};   // Unset: Ones. Must be unset if !create_scale.
  Initializer offset_init = {};  // Unset: Zeros; as scale_init.
  std::string data_format = "channels_last";  // Or "channels_first", "NCHW"...
  std::string name = {};  // Replaces the field's name in tables.

  Variable scale = {};   // [C], or [C, 1, ...]; trained if create_scale.
  Variable offset = {};  // The same; trained if create_offset.

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
