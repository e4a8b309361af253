#include "sonnet/layers/affine.h"

#include <ATen/ATen.h>
#include <c10/util/accumulate.h>

#include <vector>

namespace snt::detail {

at::Tensor affine(const at::Tensor& x, const at::Tensor& w,
                  const at::Tensor& b) {
  const at::ScalarType dtype = x.scalar_type();
  if (x.is_cpu() && (dtype == at::kHalf || dtype == at::kBFloat16)) {
    return affine(x.to(at::kFloat), w.to(at::kFloat),
                  b.defined() ? b.to(at::kFloat) : b)
        .to(dtype);
  }
  if (x.dim() == 2) return b.defined() ? at::addmm(b, x, w) : at::mm(x, w);

  std::vector<int64_t> shape = x.sizes().vec();
  const int64_t rows = c10::multiply_integers(shape.begin(), shape.end() - 1);
  const at::Tensor flat = x.reshape({rows, shape.back()});  // -> [N, in]
  shape.back() = w.size(1);
  return (b.defined() ? at::addmm(b, flat, w) : at::mm(flat, w)).view(shape);
}

}  // namespace snt::detail
