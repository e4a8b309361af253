#include "sonnet/regularizers/l1_l2.h"

#include <ATen/ATen.h>

namespace snt::regularizers {
namespace {

at::Tensor sum_of_absolutes(const at::Tensor& t) { return t.abs().sum(); }

at::Tensor sum_of_squares(const at::Tensor& t) { return t.square().sum(); }

}  // namespace

void L1::check() const { detail::check_scale(scale, "L1"); }

at::Tensor L1::operator()(const std::vector<at::Tensor>& tensors) const {
  check();

  return detail::scaled_sum(scale, tensors, sum_of_absolutes);
}

at::Tensor L1::operator()(const std::vector<Variable>& variables) const {
  return (*this)(detail::values(variables));
}

void L2::check() const { detail::check_scale(scale, "L2"); }

at::Tensor L2::operator()(const std::vector<at::Tensor>& tensors) const {
  check();

  return detail::scaled_sum(scale, tensors, sum_of_squares);
}

at::Tensor L2::operator()(const std::vector<Variable>& variables) const {
  return (*this)(detail::values(variables));
}

}  // namespace snt::regularizers
