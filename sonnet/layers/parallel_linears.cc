#include "sonnet/layers/parallel_linears.h"

#include <ATen/ATen.h>

#include <cmath>

#include "sonnet/core/errors.h"
#include "sonnet/core/scope.h"
#include "sonnet/initializers/constant.h"
#include "sonnet/initializers/distributions.h"

namespace snt {
namespace {

at::Tensor batched_affine(const at::Tensor& x, const at::Tensor& w,
                          const at::Tensor& b) {
  const at::ScalarType dtype = x.scalar_type();
  if (x.is_cpu() && (dtype == at::kHalf || dtype == at::kBFloat16)) {
    return batched_affine(x.to(at::kFloat), w.to(at::kFloat),
                          b.defined() ? b.to(at::kFloat) : b)
        .to(dtype);
  }
  return b.defined() ? at::baddbmm(b, x, w) : at::bmm(x, w);
}

}  // namespace

void ParallelLinears::check() const {
  snt::check(output_size >= 0, "ParallelLinears",
             "output_size must be >= 0, got ", output_size.value);
  snt::check(with_bias || !b_init, "ParallelLinears",
             "When not using a bias the b_init must be None.");
}

at::Tensor ParallelLinears::operator()(const at::Tensor& x) const {
  const Who who{"ParallelLinears", w};
  if (!w.is_built()) check();
  snt::check(x.dim() == 3, who, "x must have rank 3, got shape ", x.sizes());
  const int64_t n = x.size(0);
  const int64_t size = x.size(2);

  const name_scope scope("ParallelLinears", w);
  const at::Tensor& weight =
      w.create({n, size, output_size}, x, w_init,
               initializers::TruncatedNormal{
                   .stddev = 1 / std::sqrt(static_cast<double>(size))});
  snt::check<TypeError>(x.scalar_type() == weight.scalar_type(), who,
                        "x must have dtype ", weight.scalar_type(),
                        " like w, got ", x.scalar_type());
  if (!with_bias) {
    b.omit();
    return batched_affine(x, weight, {});
  }
  const at::Tensor& bias =
      b.create({n, 1, output_size}, x, b_init, initializers::Zeros());

  return batched_affine(x, weight, bias);
}

int64_t ParallelLinears::input_size() const { return w.shape()[1]; }

}  // namespace snt
