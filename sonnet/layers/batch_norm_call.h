// File: layers/batch_norm_call.h
// What the batch norms share; for .cc files of this library only.

#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "sonnet/core/remembered.h"
#include "sonnet/kernels/norms/normalization.h"
#include "sonnet/layers/norm.h"
#include "sonnet/metrics/metric.h"

namespace snt::detail {

// Where a batch norm keeps its statistics.
struct MovingStatistics {
  const Metric& mean;
  const Metric& variance;
  const Remembered<std::vector<int64_t>>& shape;  // Of both.
};

// Checks the arguments, creates all variables and gives scale and offset.
ScaleAndOffset begin_batch_norm(const Norm& norm,
                                const MovingStatistics& moving,
                                const at::Tensor& x, const at::Tensor& scale,
                                const at::Tensor& offset);

// All dimensions of x but that of its channels.
std::vector<int64_t> batch_axes(const Norm& norm, const at::Tensor& x);

// Takes the moments of a batch x in, in the dtype of x.
void update(const Norm& norm, const MovingStatistics& moving,
            const Moments& moments, const at::Tensor& x);

// A call of BaseBatchNorm or BatchNorm, whose options were checked, and what
// follows it.
at::Tensor batch_norm(const Norm& norm, const MovingStatistics& moving,
                      const at::Tensor& x, bool is_training,
                      bool test_local_stats, const at::Tensor& scale,
                      const at::Tensor& offset,
                      const kernels::AfterNorm& after = {});

// What a batch norm does outside training: (x - mean) factor + offset, each
// [C]; undefined where a parameter is not one number for each channel.
struct ByChannel {
  at::Tensor mean, factor, offset;
};
ByChannel by_channel(const Norm& norm, const MovingStatistics& moving,
                     const ScaleAndOffset& parameters, int64_t channels);

}  // namespace snt::detail
