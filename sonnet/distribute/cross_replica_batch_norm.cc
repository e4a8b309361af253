#include "sonnet/distribute/cross_replica_batch_norm.h"

#include <ATen/ATen.h>

#include "sonnet/core/half.h"
#include "sonnet/core/scope.h"
#include "sonnet/layers/batch_norm_call.h"

namespace snt::distribute {

void CrossReplicaBatchNorm::check() const {
  snt::detail::check_options(
      snt::detail::norm_of("CrossReplicaBatchNorm", *this), "");
}

at::Tensor CrossReplicaBatchNorm::operator()(
    const at::Tensor& x, const BoolLike& is_training,
    const BoolLike& test_local_stats, const at::Tensor& call_scale,
    const at::Tensor& call_offset) const {
  const char* type = "CrossReplicaBatchNorm";
  if (!scale.is_built()) check();
  const bool training = snt::detail::is_true(is_training, "is_training", type);
  const bool local_stats =
      snt::detail::is_true(test_local_stats, "test_local_stats", type);
  const snt::detail::Norm norm = snt::detail::norm_of(type, *this);
  const snt::detail::MovingStatistics moving{moving_mean, moving_variance,
                                             shape};

  const name_scope scope(type, this->scale);
  const auto parameters =
      snt::detail::begin_batch_norm(norm, moving, x, call_scale, call_offset);
  const at::Tensor wide = snt::detail::widened(x);
  snt::detail::Moments moments;
  if (training || local_stats) {
    const std::vector<int64_t> axes = snt::detail::batch_axes(norm, x);
    at::Tensor means = at::stack({wide.mean(axes, /*keepdim=*/true),
                                  wide.square().mean(axes, /*keepdim=*/true)});
    if (all_reduce_mean) means = all_reduce_mean(means);
    moments = {means[0], means[1] - means[0].square()};
  } else {
    moments = {snt::detail::widened(moving_mean.value()),
               snt::detail::widened(moving_variance.value())};
  }
  const at::Tensor y = snt::detail::normalize(wide, moments, eps, parameters);
  if (training) snt::detail::update(norm, moving, moments, x);
  return y.to(x.scalar_type());
}

}  // namespace snt::distribute
