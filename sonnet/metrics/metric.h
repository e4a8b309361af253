// File: metrics/metric.h
// Any metric, held by value.

#pragma once

#include <ATen/core/Tensor.h>

#include <concepts>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "sonnet/core/erased.h"
#include "sonnet/core/registry.h"

namespace snt {

class Metric;

namespace detail {

// What a Metric holds.
template <class M>
concept MetricLike =
    !std::is_same_v<M, Metric> && std::is_copy_constructible_v<M> &&
    requires(const M& metric, const at::Tensor& value) {
  metric.initialize(value);
  metric.update(value);
  { metric.value() } -> std::convertible_to<at::Tensor>;
  metric.reset();
};

struct HeldMetric : Held<HeldMetric> {
  virtual void initialize(const at::Tensor& value) const = 0;
  virtual void update(const at::Tensor& value) const = 0;
  virtual at::Tensor value() const = 0;
  virtual void reset() const = 0;
};

}  // namespace detail

// Any struct with the const functions initialize(tensor), update(tensor),
// value() and reset(): Sum, Mean, ExponentialMovingAverage or one of one's own.
// What BaseBatchNorm keeps its statistics in.
//
//     snt::Metric mean = snt::Mean{};
//     mean(at::full({2}, 1.0));
//     at::Tensor middle = mean(at::full({2}, 2.0));  // [1.5, 1.5]
//
// Copies share what they hold; in the paths of variables it does not show.
// Sonnet's base class of this name. Source: sonnet/src/metrics.py.
class Metric : public detail::Erased<Metric, detail::HeldMetric> {
 public:
  // Holds a copy of `metric`.
  template <class M>
  requires(detail::MetricLike<std::decay_t<M>>)
      Metric(M&& metric)  // NOLINT: implicit, as a derived class would be.
      : Erased(std::make_shared<Of<std::decay_t<M>>>(std::forward<M>(metric))) {
  }

  // Creates the variables for values like `value`, unless they exist.
  void initialize(const at::Tensor& value) const;
  // Takes `value` in.
  void update(const at::Tensor& value) const;
  // What it measures now.
  at::Tensor value() const;
  // Starts anew.
  void reset() const;
  // Takes `value` in and gives what it measures then.
  at::Tensor operator()(const at::Tensor& value) const;

 private:
  template <class M>
  struct Of final : detail::HeldValue<detail::HeldMetric, M> {
    using detail::HeldValue<detail::HeldMetric, M>::HeldValue;

    void initialize(const at::Tensor& value) const override {
      this->object.initialize(value);
    }
    void update(const at::Tensor& value) const override {
      this->object.update(value);
    }
    at::Tensor value() const override { return this->object.value(); }
    void reset() const override { this->object.reset(); }
    std::shared_ptr<detail::HeldMetric> clone(Cloner& cloner) const override {
      return std::make_shared<Of>(deep_copy(this->object, cloner));
    }
  };
};

// A Metric in a Config: {"class": "Mean"} of the registry.
template <>
struct ConfigTraits<Metric> {
  static Config to(const Metric& value) { return value.config(); }
  static Metric from(const Config& config, const std::string& where) {
    return registry<Metric>().make(config, where);
  }
};

}  // namespace snt
