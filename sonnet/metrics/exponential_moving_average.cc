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
  // As stored: where mixed precision casts what is read, a half type would lose
  // the small steps.
  const at::Tensor before = detail::source(hidden);
  const bool is_cast = value.scalar_type() == hidden.value().scalar_type();
  const at::Tensor now = value.to(
      before.device(), is_cast ? before.scalar_type() : value.scalar_type());
  const at::Tensor after = before - (before - now) * (1 - decay);
  hidden.assign(after);
  counter.assign_add(1);
  // In the dtype of the value, as TensorFlow computes it: 1 - 0.999f is not
  // 0.001f. But where the dtype holds the decay as 1 (bfloat16: 0.999), there
  // would be no divisor.
  const at::ScalarType dtype = after.scalar_type();
  const bool is_one = at::scalar_tensor(decay.value, dtype).item<double>() == 1;
  const at::Tensor steps =
      counter.value().to(after.device(), is_one ? at::kDouble : dtype);
  const at::Tensor divisor =
      1 - at::pow(at::full_like(steps, decay.value), steps);
  average.assign(after / divisor.to(dtype));
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
