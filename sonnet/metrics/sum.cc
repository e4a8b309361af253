#include "sonnet/metrics/sum.h"

#include <ATen/ATen.h>

#include "sonnet/initializers/constant.h"

namespace snt {

void Sum::initialize(const at::Tensor& value) const {
  sum.create(value.sizes(), value, {}, initializers::Zeros());
}

void Sum::update(const at::Tensor& value) const {
  initialize(value);
  sum.assign_add(value);
}

at::Tensor Sum::value() const { return sum.value().clone(); }

void Sum::reset() const { sum.assign(at::zeros_like(sum.value())); }

at::Tensor Sum::operator()(const at::Tensor& value) const {
  update(value);
  return this->value();
}

}  // namespace snt
