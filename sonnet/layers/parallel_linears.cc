#include "sonnet/layers/parallel_linears.h"

#include "sonnet/core/errors.h"
#include "sonnet/core/scope.h"
#include "sonnet/layers/affine.h"
#include "sonnet/layers/affine_weights.h"

namespace snt {

void ParallelLinears::check() const {
  detail::check_affine_options(*this, "ParallelLinears");
}

at::Tensor ParallelLinears::operator()(const at::Tensor& x) const {
  const Who who{"ParallelLinears", w};
  if (!w.is_built()) check();
  snt::check(x.dim() == 3, who, "x must have rank 3, got shape ", x.sizes());

  const name_scope scope("ParallelLinears", w);
  const int64_t n = x.size(0);
  const auto [weight, bias] = detail::affine_weights(
      *this, who, x, {n, x.size(2), output_size}, {n, 1, output_size});

  return detail::batched_affine(x, weight, bias);
}

int64_t ParallelLinears::input_size() const { return w.shape()[1]; }

}  // namespace snt
