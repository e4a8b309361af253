#include "sonnet/layers/instance_norm.h"

#include "sonnet/layers/data_format.h"
#include "sonnet/layers/norm.h"

namespace snt {

void InstanceNorm::check() const {
  detail::check_options(detail::norm_of("InstanceNorm", *this), ".");
}

at::Tensor InstanceNorm::operator()(const at::Tensor& x,
                                    const at::Tensor& call_scale,
                                    const at::Tensor& call_offset) const {
  if (!rank.is_set()) check();
  const Axis spatial =
      utils::is_channels_first(data_format) ? Slice{2} : Slice{1, -1};
  return detail::layer_norm(detail::norm_of("InstanceNorm", *this), spatial,
                            rank, x, call_scale, call_offset);
}

}  // namespace snt
