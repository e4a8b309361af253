#include "sonnet/layers/layer_norm.h"

#include "sonnet/layers/norm.h"

namespace snt {

void LayerNorm::check() const {
  axis.check("LayerNorm");
  detail::check_options(detail::norm_of("LayerNorm", *this), ".");
}

at::Tensor LayerNorm::operator()(const at::Tensor& x,
                                 const at::Tensor& call_scale,
                                 const at::Tensor& call_offset) const {
  if (!rank.is_set()) check();
  return detail::layer_norm(detail::norm_of("LayerNorm", *this), axis, rank, x,
                            call_scale, call_offset);
}

}  // namespace snt
