#include "sonnet/layers/dropout.h"

#include <ATen/ATen.h>
#include <ATen/ExpandUtils.h>

#include <vector>

#include "sonnet/core/errors.h"
#include "sonnet/core/random.h"

namespace snt {
namespace {

// Zeros with probability `rate`, else 1 / (1 - rate).
at::Tensor dropout_mask(const at::Tensor& x, double rate,
                        const std::optional<std::vector<int64_t>>& noise_shape,
                        const std::optional<int64_t>& seed) {
  std::vector<int64_t> shape = noise_shape.value_or(x.sizes().vec());
  if (static_cast<int64_t>(shape.size()) == x.dim()) {
    for (int64_t i = 0; i < x.dim(); ++i) {
      if (shape[i] == -1) shape[i] = x.size(i);
    }
  }
  check(at::is_expandable_to(shape, x.sizes()), "Dropout",
        "noise_shape must broadcast to the shape of x, got ", shape,
        " for shape ", x.sizes());
  at::Tensor kept;
  if (seed) {
    kept = at::empty(shape, at::kFloat)
               .bernoulli_(1 - rate, random::generator(seed))
               .to(x.device());
  } else {
    kept = at::empty(shape, x.options().dtype(at::kFloat).requires_grad(false))
               .bernoulli_(1 - rate);
  }
  return kept.to(x.scalar_type()).mul_(1 / (1 - rate));
}

}  // namespace

at::Tensor Dropout::operator()(const at::Tensor& x,
                               const BoolLike& is_training) const {
  return detail::is_true(is_training, "is_training", "Dropout")
             ? dropout(x, rate.value(), noise_shape, seed)
             : x;
}

at::Tensor dropout(const at::Tensor& x, double rate,
                   const std::optional<std::vector<int64_t>>& noise_shape,
                   const std::optional<int64_t>& seed) {
  check(rate >= 0 && rate < 1, "Dropout",
        "`rate` must be a scalar tensor or a float in the range [0, 1). "
        "Received: rate=",
        rate);
  check(x.is_floating_point(), "Dropout", "x must be floating, got ",
        x.scalar_type());
  if (rate == 0) return x;
  return x * dropout_mask(x, rate, noise_shape, seed);
}

}  // namespace snt
