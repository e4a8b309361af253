#include "sonnet/layers/batch_norm.h"

#include "sonnet/layers/batch_norm_call.h"

namespace snt {
namespace {

// A handle to the same average. Its decay cannot stand in the field: no
// initialiser of a field may read another one.
Metric with_decay(ExponentialMovingAverage average, double decay) {
  average.decay = decay;
  return average;
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
  if (!scale.is_built()) check();
  return detail::batch_norm(
      detail::norm_of("BatchNorm", *this),
      {with_decay(moving_mean, decay_rate),
       with_decay(moving_variance, decay_rate), shape},
      x, detail::is_true(is_training, "is_training", "BatchNorm"),
      detail::is_true(test_local_stats, "test_local_stats", "BatchNorm"),
      call_scale, call_offset);
}

}  // namespace snt
