#include "sonnet/layers/batch_norm.h"

#include "sonnet/layers/batch_norm_call.h"
#include "sonnet/layers/conv_then.h"

namespace snt {
namespace {

// A handle to the same average. Its decay cannot stand in the field: no
// initialiser of a field may read another one.
Metric with_decay(ExponentialMovingAverage average, double decay) {
  average.decay = decay;
  return average;
}

at::Tensor call(const BatchNorm& norm, const at::Tensor& x,
                const detail::NormMode& mode, const at::Tensor& scale,
                const at::Tensor& offset, const kernels::AfterNorm& after) {
  if (!norm.scale.is_built()) norm.check();
  return detail::batch_norm(
      detail::norm_of("BatchNorm", norm),
      {with_decay(norm.moving_mean, norm.decay_rate),
       with_decay(norm.moving_variance, norm.decay_rate), norm.shape},
      x, mode.is_training, mode.test_local_stats, scale, offset, after);
}

}  // namespace

void BatchNorm::check() const {
  detail::check_options(detail::norm_of("BatchNorm", *this), "");
}

at::Tensor BatchNorm::operator()(const at::Tensor& x,
                                 const BoolLike& is_training,
                                 const BoolLike& test_local_stats,
                                 const at::Tensor& call_scale,
                                 const at::Tensor& call_offset) const {
  return call(
      *this, x,
      {detail::is_true(is_training, "is_training", "BatchNorm"),
       detail::is_true(test_local_stats, "test_local_stats", "BatchNorm")},
      call_scale, call_offset, {});
}

at::Tensor detail::norm_then(const BatchNorm& norm, const at::Tensor& x,
                             const NormMode& mode,
                             const kernels::AfterNorm& after) {
  return call(norm, x, mode, {}, {}, after);
}

}  // namespace snt
