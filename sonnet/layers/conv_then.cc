#include "sonnet/layers/conv_then.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "sonnet/layers/batch_norm_call.h"
#include "sonnet/layers/data_format.h"

namespace snt::detail {
namespace {

// The convolution with the norm in its weights; undefined where that cannot be.
at::Tensor folded(const Conv2D& conv, const BatchNorm& norm,
                  const at::Tensor& x, const kernels::AfterNorm& after) {
  // The offset is the last that a first call makes, perhaps on another thread.
  if (at::GradMode::is_enabled() || !conv.w.is_built() ||
      !norm.scale.is_built() || !norm.offset.is_built()) {
    return {};
  }
  const ScaleAndOffset parameters = {norm.scale.value(), norm.offset.value()};
  const ByChannel by =
      by_channel(norm_of("BatchNorm", norm),
                 {norm.moving_mean, norm.moving_variance, norm.shape},
                 parameters, conv.output_channels);
  const at::Tensor& addend = after.addend;
  if (!by.mean.defined() || utils::is_channels_first(norm.data_format) ||
      (addend.defined() && addend.dim() != x.dim())) {
    return {};
  }
  return conv_then(conv, x,
                   {.factor = by.factor,
                    .shift = by.offset - by.mean * by.factor,
                    .addend = addend.defined() ? addend.movedim(-1, 1) : addend,
                    .relu = after.relu});
}

}  // namespace

at::Tensor conv_norm_then(const Conv2D& conv, const BatchNorm& norm,
                          const at::Tensor& x, const NormMode& mode,
                          const kernels::AfterNorm& after) {
  if (!mode.is_training && !mode.test_local_stats) {
    if (at::Tensor y = folded(conv, norm, x, after); y.defined()) return y;
  }
  return norm_then(norm, conv(x), mode, after);
}

}  // namespace snt::detail
