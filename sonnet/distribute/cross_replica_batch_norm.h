// File: distribute/cross_replica_batch_norm.h
// Batch normalisation over the batches of all replicas.

#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "sonnet/core/callable.h"
#include "sonnet/core/initializer.h"
#include "sonnet/core/remembered.h"
#include "sonnet/core/required.h"
#include "sonnet/core/variable.h"
#include "sonnet/layers/bool_like.h"
#include "sonnet/metrics/metric.h"

namespace snt::distribute {

// The mean of a tensor over all replicas, through which gradients flow.
using AllReduceMean = Callable<at::Tensor(const at::Tensor&)>;

// BaseBatchNorm by the moments of all replicas together:
//
//   mean     = all_reduce_mean(mean(x))
//   variance = all_reduce_mean(mean(x^2)) - mean^2
//   y        = (x - mean) / sqrt(variance + eps) * scale + offset
//
//   x  [N, ..., C], or [N, C, ...] for channels first; floating, rank >= 2
//   y  shape and dtype of x
//
// Both means travel in one tensor, [2, 1, ..., C]. Replicas are expected to
// have batches of the same size. By itself, in one process, a module is the
// only replica.
//
//     snt::distribute::CrossReplicaBatchNorm norm{
//         .create_scale = true, .create_offset = true,
//         .moving_mean = snt::ExponentialMovingAverage{0.9},
//         .moving_variance = snt::ExponentialMovingAverage{0.9}};
//     at::Tensor y = norm(at::rand({8, 5, 5, 4}), /*is_training=*/true);
//
// Copies share variables and metrics. Throws as BaseBatchNorm does. Source:
// sonnet/src/distribute/distributed_batch_norm.py.
struct CrossReplicaBatchNorm {
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
  AllReduceMean all_reduce_mean = {};           // Unset: there is one replica.

  // Throws ValueError for options that contradict each other.
  void check() const;

  // The normalised x. With `test_local_stats` it is normalised by the moments
  // of the batches outside training too. `scale` and `offset` must be
  // broadcastable to x, and may only be given where the module creates none.
  at::Tensor operator()(const at::Tensor& x, const BoolLike& is_training,
                        const BoolLike& test_local_stats = false,
                        const at::Tensor& scale = {},
                        const at::Tensor& offset = {}) const;
};

}  // namespace snt::distribute
