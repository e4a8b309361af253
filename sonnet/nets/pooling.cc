#include "sonnet/nets/pooling.h"

#include <ATen/ATen.h>

#include "sonnet/core/half.h"

namespace snt::nets::detail {

at::Tensor max_pool_3x3(const at::Tensor& x) {
  // An odd size lacks one at both ends, an even one at the end only: there the
  // last window, which ceil_mode adds, hangs over.
  const at::Tensor y = at::max_pool2d(
      snt::detail::widened(x).permute({0, 3, 1, 2}), /*kernel_size=*/3,
      /*stride=*/2, /*padding=*/{x.size(1) % 2, x.size(2) % 2},
      /*dilation=*/1, /*ceil_mode=*/true);
  return y.permute({0, 2, 3, 1}).to(x.scalar_type());
}

at::Tensor mean_pool(const at::Tensor& x, int64_t height) {
  return snt::detail::widened(x).mean({height, height + 1}).to(x.scalar_type());
}

}  // namespace snt::nets::detail
