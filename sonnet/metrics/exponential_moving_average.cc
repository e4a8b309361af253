#include "sonnet/metrics/exponential_moving_average.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "sonnet/core/errors.h"
#include "sonnet/initializers/constant.h"

namespace snt {

void ExponentialMovingAverage::initialize(const at::Tensor& value) const {
  check<TypeError>(value.is_floating_point(),
                   Who{"ExponentialMovingAverage", hidden},
                   "value must be floating, got ", value.scalar_type());
  hidden.create(value.sizes(), value, {}, initializers::Zeros());
  average.create(value.sizes(), value, {}, initializers::Zeros());
}

void ExponentialMovingAverage::update(const at::Tensor& value) const {
  const at::NoGradGuard no_grad;
  initialize(value);
  const at::Tensor now = value.to(hidden.device());
  hidden.assign(hidden.value() - (hidden.value() - now) * (1 - decay));
  counter.assign_add(1);
  // In the dtype of the value, as TensorFlow computes it: 1 - 0.999f is not
  // 0.001f.
  const at::Tensor steps = counter.value().to(hidden.value().options());
  average.assign(hidden.value() /
                 (1 - at::pow(at::full_like(steps, decay.value), steps)));
}

at::Tensor ExponentialMovingAverage::value() const {
  return average.value().clone();
}

void ExponentialMovingAverage::reset() const {
  hidden.assign(at::zeros_like(hidden.value()));
  average.assign(at::zeros_like(average.value()));
  counter.assign(0);
}

at::Tensor ExponentialMovingAverage::operator()(const at::Tensor& value) const {
  update(value);
  return this->value();
}

}  // namespace snt
