#include "sonnet/layers/linear.h"

#include "sonnet/core/errors.h"
#include "sonnet/core/scope.h"
#include "sonnet/kernels/products/dense_layers.h"
#include "sonnet/layers/affine.h"
#include "sonnet/layers/affine_weights.h"

namespace snt {

void Linear::check() const { detail::check_affine_options(*this, "Linear"); }

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
  const auto [weight, bias] =
      detail::affine_weights(*this, who, x, {size, output_size}, {output_size});

  const kernels::DenseLayer layer = {weight, bias};
  return kernels::takes_dense_layers(x, layer)
             ? kernels::dense_layers(x, layer, /*relu_last=*/false)
             : detail::affine(x, weight, bias);
}

int64_t Linear::input_size() const { return w.shape()[0]; }

}  // namespace snt
