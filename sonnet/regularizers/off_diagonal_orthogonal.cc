#include "sonnet/regularizers/off_diagonal_orthogonal.h"

#include <ATen/ATen.h>

#include "sonnet/core/errors.h"

namespace snt::regularizers {
namespace {

at::Tensor off_diagonal(const at::Tensor& t) {
  snt::check(t.dim() >= 2, "OffDiagonalOrthogonal",
             "tensors must have rank >= 2, got shape ", t.sizes());

  const at::Tensor w = t.flatten(0, -2);  // [..., columns] -> [rows, columns]
  const at::Tensor gram = at::matmul(w.t(), w);
  // Not "all - diagonal": the difference of two large sums may be negative.
  return (gram - at::diag_embed(gram.diagonal())).square().sum();
}

}  // namespace

void OffDiagonalOrthogonal::check() const {
  detail::check_scale(scale, "OffDiagonalOrthogonal");
}

at::Tensor OffDiagonalOrthogonal::operator()(
    const std::vector<at::Tensor>& tensors) const {
  check();

  return detail::scaled_sum(scale, tensors, off_diagonal);
}

at::Tensor OffDiagonalOrthogonal::operator()(
    const std::vector<Variable>& variables) const {
  return (*this)(detail::values(variables));
}

}  // namespace snt::regularizers
