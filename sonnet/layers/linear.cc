#include "sonnet/layers/linear.h"

#include <cmath>

#include "sonnet/core/errors.h"
#include "sonnet/core/scope.h"
#include "sonnet/initializers/constant.h"
#include "sonnet/initializers/distributions.h"
#include "sonnet/layers/affine.h"

namespace snt {

void Linear::check() const {
  snt::check(output_size >= 0, "Linear", "output_size must be >= 0, got ",
             output_size.value);
  snt::check(with_bias || !b_init, "Linear",
             "When not using a bias the b_init must be None.");
}

at::Tensor Linear::operator()(const at::Tensor& x) const {
  const Who who{"Linear", w};
  if (!w.is_built()) check();
  snt::check(x.dim() >= 2, who, "x must have rank >= 2, got shape ", x.sizes());
  const int64_t size = x.size(-1);
  snt::check(
      !w.is_built() || size == w.shape()[0], who,
      "the last dimension of x must be ", [this] { return input_size(); },
      " as on the first call, got shape ", x.sizes());

  const name_scope scope("Linear", w);
  const at::Tensor& weight =
      w.create({size, output_size}, x, w_init,
               initializers::TruncatedNormal{
                   .stddev = 1 / std::sqrt(static_cast<double>(size))});
  snt::check<TypeError>(x.scalar_type() == weight.scalar_type(), who,
                        "x must have dtype ", weight.scalar_type(),
                        " like w, got ", x.scalar_type());
  if (!with_bias) {
    b.omit();
    return detail::affine(x, weight, {});
  }
  const at::Tensor& bias =
      b.create({output_size}, x, b_init, initializers::Zeros());

  return detail::affine(x, weight, bias);
}

int64_t Linear::input_size() const { return w.shape()[0]; }

}  // namespace snt
