#include "examples/support/spectral_norm.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "sonnet/initializers/distributions.h"

namespace examples {
namespace {

at::Tensor unit(const at::Tensor& x) { return x / (x.norm() + 1e-12); }

}  // namespace

at::Tensor SpectrallyNormedLinear::operator()(const at::Tensor& x,
                                              bool is_training) const {
  if (!linear.w.is_built()) linear(x);
  if (is_training) {
    const at::NoGradGuard no_grad;
    const at::Tensor& w = linear.w.value();
    const at::Tensor& first =
        u.create({1, w.size(1)}, w, snt::initializers::TruncatedNormal());

    const at::Tensor v = unit(first.matmul(w.t()));
    const at::Tensor v_w = v.matmul(w);
    u.assign(unit(v_w));
    linear.w.assign(w / v_w.norm());  // v w u^T = |v w|
  }

  return linear(x);
}

}  // namespace examples
