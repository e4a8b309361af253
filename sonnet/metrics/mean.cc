#include "sonnet/metrics/mean.h"

#include <ATen/ATen.h>

#include "sonnet/initializers/constant.h"

namespace snt {

void Mean::initialize(const at::Tensor& value) const {
  sum.create(value.sizes(), value, {}, initializers::Zeros());
}

void Mean::update(const at::Tensor& value) const {
  initialize(value);
  sum.assign_add(value);
  count.assign_add(1);
}

at::Tensor Mean::value() const {
  // TensorFlow divides wide integers in float64; libtorch would in float32.
  const at::ScalarType dtype = sum.dtype();
  const bool wide = dtype == at::kInt || dtype == at::kLong;
  return (wide ? sum.value().to(at::kDouble) : sum.value()) / count.value();
}

void Mean::reset() const {
  sum.assign(at::zeros_like(sum.value()));
  count.assign(0);
}

at::Tensor Mean::operator()(const at::Tensor& value) const {
  update(value);
  return this->value();
}

}  // namespace snt
