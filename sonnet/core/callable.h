// File: core/callable.h
// A function held by value that knows how to print itself: initialisers,
// regularisers, activations and schedules are such functions.

#pragma once

#include <concepts>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "sonnet/core/options.h"
#include "sonnet/core/registry.h"

namespace snt {

template <class Signature>
class Callable;

// Holds any callable of the signature R(Args...), or nothing. Copies share it.
//
//     snt::Callable<double(double)> half = [](double x) { return x / 2; };
//     double one = half(2.0);
//
// A plain struct prints and stores as its options; a function with a `name`
// as that name; any other callable prints as <lambda> and has no JSON.
template <class R, class... Args>
class Callable<R(Args...)> {
 public:
  // What a registry of such functions maps names to.
  using Erased = Callable;

  // Holds nothing.
  Callable() = default;

  // Holds `f`.
  template <class F>
  requires(!std::is_same_v<std::decay_t<F>, Callable> &&
           std::is_invocable_r_v<R, const std::decay_t<F>&, Args...>)
      Callable(F&& f)
      : held_(std::make_shared<Of<std::decay_t<F>>>(std::forward<F>(f))) {}

  // Whether something is held.
  explicit operator bool() const { return held_ != nullptr; }

  // Calls what is held. Throws std::bad_function_call when nothing is.
  R operator()(Args... args) const {
    if (held_ == nullptr) throw std::bad_function_call();
    return held_->call(std::forward<Args>(args)...);
  }

  // The held function as a value: None when nothing is held.
  Config config() const { return held_ ? held_->config() : Config{}; }

  // The held function if it is an F, else nullptr.
  template <class F>
  const F* get_if() const {
    const auto* of = dynamic_cast<const Of<F>*>(held_.get());
    return of ? &of->f : nullptr;
  }

 private:
  struct Base {
    virtual ~Base() = default;
    virtual R call(Args... args) const = 0;
    virtual Config config() const = 0;
  };
  template <class F>
  struct Of final : Base {
    explicit Of(F function) : f(std::move(function)) {}
    R call(Args... args) const override {
      return std::invoke(f, std::forward<Args>(args)...);
    }
    Config config() const override {
      if constexpr (requires { f.check(); }) f.check();
      return to_config(f);
    }
    F f;
  };

  std::shared_ptr<const Base> held_;
};

// Functions hold no variables that a module could own.
template <class Signature>
inline constexpr bool opaque<Callable<Signature>> = true;

// Such a function in a Config: null, a registered name, or
// {"class": ..., "config": {...}} of a registered class.
template <class Signature>
struct ConfigTraits<Callable<Signature>> {
  static Config to(const Callable<Signature>& value) { return value.config(); }
  static Callable<Signature> from(const Config& config,
                                  const std::string& where) {
    if (config.is_none()) return {};
    return registry<Callable<Signature>>().make(config, where);
  }
};

}  // namespace snt
