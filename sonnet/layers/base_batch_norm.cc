#include "sonnet/layers/base_batch_norm.h"

#include "sonnet/layers/batch_norm_call.h"

namespace snt {

void BaseBatchNorm::check() const {
  detail::check_options(detail::norm_of("BaseBatchNorm", *this), "");
}

at::Tensor BaseBatchNorm::operator()(const at::Tensor& x,
                                     const BoolLike& is_training,
                                     const BoolLike& test_local_stats,
                                     const at::Tensor& call_scale,
                                     const at::Tensor& call_offset) const {
  if (!scale.is_built()) check();
  return detail::batch_norm(
      detail::norm_of("BaseBatchNorm", *this),
      {moving_mean, moving_variance, shape}, x,
      detail::is_true(is_training, "is_training", "BaseBatchNorm"),
      detail::is_true(test_local_stats, "test_local_stats", "BaseBatchNorm"),
      call_scale, call_offset);
}

}  // namespace snt
