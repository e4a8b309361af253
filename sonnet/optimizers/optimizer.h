// File: optimizers/optimizer.h
// Any optimizer, held by value.

#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "sonnet/core/erased.h"
#include "sonnet/core/registry.h"
#include "sonnet/core/variable.h"

namespace snt {

class Optimizer;

namespace detail {

// What an Optimizer holds.
template <class O>
concept OptimizerLike =
    !std::is_same_v<O, Optimizer> && std::is_copy_constructible_v<O> &&
    requires(const O& optimizer, const std::vector<at::Tensor>& updates,
             const std::vector<Variable>& parameters) {
  optimizer.apply(updates, parameters);
};

struct HeldOptimizer : Held<HeldOptimizer> {
  virtual void apply(const std::vector<at::Tensor>& updates,
                     const std::vector<Variable>& parameters) const = 0;
  virtual void initialize(const std::vector<Variable>& parameters) const = 0;
};

}  // namespace detail

// Any struct with the const function apply(updates, parameters): one of
// snt::optimizers, or one's own.
//
//     snt::Optimizer optimizer = snt::optimizers::Adam{.learning_rate = 0.01};
//     snt::Variable w(at::ones({3}));
//     optimizer.apply({at::full({3}, 5.0)}, {w});  // w: 0.99, 0.99, 0.99
//     optimizer.get_if<snt::optimizers::Adam>()->learning_rate = 0.001;
//
// Copies share what they hold; in the paths of variables it does not show.
// Sonnet's base class of this name. Source: sonnet/src/base.py.
class Optimizer : public detail::Erased<Optimizer, detail::HeldOptimizer> {
 public:
  // SGD has none.
  static constexpr bool allow_empty_variables = true;

  // Holds a copy of `optimizer`.
  template <class O>
  requires(detail::OptimizerLike<std::decay_t<O>>) Optimizer(
      O&& optimizer)  // NOLINT: implicit, as a derived class would be.
      : Erased(
            std::make_shared<Of<std::decay_t<O>>>(std::forward<O>(optimizer))) {
  }

  // Changes each parameter in place by its update; an undefined update skips
  // its parameter. Throws what the held optimizer throws.
  void apply(const std::vector<at::Tensor>& updates,
             const std::vector<Variable>& parameters) const;

  // Makes what the first `apply` would make, so that a checkpoint can be read
  // before it. Does nothing for a held optimizer that has no such function.
  void initialize(const std::vector<Variable>& parameters) const;

 private:
  template <class O>
  struct Of final : detail::HeldValue<detail::HeldOptimizer, O> {
    using detail::HeldValue<detail::HeldOptimizer, O>::HeldValue;

    void apply(const std::vector<at::Tensor>& updates,
               const std::vector<Variable>& parameters) const override {
      this->object.apply(updates, parameters);
    }
    void initialize(const std::vector<Variable>& parameters) const override {
      if constexpr (requires { this->object.initialize(parameters); }) {
        this->object.initialize(parameters);
      }
    }
    std::shared_ptr<detail::HeldOptimizer> clone(
        Cloner& cloner) const override {
      return std::make_shared<Of>(deep_copy(this->object, cloner));
    }
  };
};

// An Optimizer in a Config: {"class": "optimizers.Adam", "config": {...}} of
// the registry.
template <>
struct ConfigTraits<Optimizer> {
  static Config to(const Optimizer& value) { return value.config(); }
  static Optimizer from(const Config& config, const std::string& where) {
    return registry<Optimizer>().make(config, where);
  }
};

}  // namespace snt
