#include "sonnet/layers/affine.h"

#include <ATen/ATen.h>
#include <c10/util/accumulate.h>

#include <vector>

#include "sonnet/core/half.h"

namespace snt::detail {
namespace {

using Product = at::Tensor (*)(const at::Tensor&, const at::Tensor&,
                               const at::Tensor&);

at::Tensor in_float(Product product, const at::Tensor& x, const at::Tensor& w,
                    const at::Tensor& b) {
  return product(widened(x), widened(w), b.defined() ? widened(b) : b)
      .to(x.scalar_type());
}

}  // namespace

at::Tensor affine(const at::Tensor& x, const at::Tensor& w,
                  const at::Tensor& b) {
  if (is_half_on_cpu(x)) return in_float(affine, x, w, b);
  if (x.dim() == 2) return b.defined() ? at::addmm(b, x, w) : at::mm(x, w);

  std::vector<int64_t> shape = x.sizes().vec();
  const int64_t rows = c10::multiply_integers(shape.begin(), shape.end() - 1);
  const at::Tensor flat = x.reshape({rows, shape.back()});  // -> [N, in]
  shape.back() = w.size(1);
  return (b.defined() ? at::addmm(b, flat, w) : at::mm(flat, w)).view(shape);
}

at::Tensor batched_affine(const at::Tensor& x, const at::Tensor& w,
                          const at::Tensor& b) {
  if (is_half_on_cpu(x)) return in_float(batched_affine, x, w, b);
  return b.defined() ? at::baddbmm(b, x, w) : at::bmm(x, w);
}

}  // namespace snt::detail
