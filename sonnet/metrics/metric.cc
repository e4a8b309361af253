#include "sonnet/metrics/metric.h"

namespace snt {

void Metric::initialize(const at::Tensor& value) const {
  held_->initialize(value);
}

void Metric::update(const at::Tensor& value) const { held_->update(value); }

at::Tensor Metric::value() const { return held_->value(); }

void Metric::reset() const { held_->reset(); }

at::Tensor Metric::operator()(const at::Tensor& value) const {
  update(value);
  return this->value();
}

}  // namespace snt
