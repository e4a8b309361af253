#include "sonnet/layers/group_norm.h"

#include <ATen/ATen.h>

#include <vector>

#include "sonnet/core/errors.h"
#include "sonnet/core/half.h"
#include "sonnet/core/scope.h"
#include "sonnet/kernels/norms/normalization.h"
#include "sonnet/layers/data_format.h"
#include "sonnet/layers/norm.h"

namespace snt {

void GroupNorm::check() const {
  snt::check(groups > 0, "GroupNorm", "groups must be > 0, got ", groups.value);
  axis.check("GroupNorm");
  detail::check_options(detail::norm_of("GroupNorm", *this), ".");
}

at::Tensor GroupNorm::operator()(const at::Tensor& x,
                                 const at::Tensor& call_scale,
                                 const at::Tensor& call_offset) const {
  if (!rank.is_set()) check();
  const detail::Norm norm = detail::norm_of("GroupNorm", *this);
  detail::check_call(norm, x, 2, call_scale, call_offset);
  const int64_t channel =
      utils::is_channels_first(data_format) ? 1 : x.dim() - 1;
  const int64_t channels = x.size(channel);
  snt::check(channels % groups == 0, norm.who(),
             "The number of channels must be divisible by the number of "
             "groups, was channels = ",
             channels, ", groups = ", groups.value);
  std::vector<int64_t> axes = axis.of(x.dim(), "GroupNorm");
  detail::check_rank(norm, rank, x);

  const name_scope scope("GroupNorm", this->scale);
  const auto parameters =
      detail::create_or_take(norm, x, call_scale, call_offset);

  const at::Tensor wide = detail::widened(x);
  const bool is_usual = channel == x.dim() - 1 && axes.front() == 1 &&
                        static_cast<int64_t>(axes.size()) == channel;
  if (is_usual) {
    const int64_t pixels =
        c10::multiply_integers(x.sizes().slice(1, channel - 1));
    const kernels::NormShape seen = {x.size(0), pixels, groups,
                                     channels / groups};
    if (kernels::takes_normalization(wide, parameters.scale, parameters.offset,
                                     seen)) {
      return kernels::normalize_channels(wide, parameters.scale,
                                         parameters.offset, seen, eps)
          .y.to(x.scalar_type());
    }
  }

  // [..., C, ...] -> [..., groups, C / groups, ...]
  for (int64_t& a : axes) a += a >= channel ? 1 : 0;
  std::vector<int64_t> shape = x.sizes().vec();
  shape[channel] = groups;
  shape.insert(shape.begin() + channel + 1, channels / groups);
  const at::Tensor grouped = wide.reshape(shape);
  const at::Tensor y = detail::normalize_over(grouped, axes, eps, {});

  return detail::apply(parameters, y.reshape(x.sizes())).to(x.scalar_type());
}

}  // namespace snt
