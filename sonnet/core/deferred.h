// File: core/deferred.h
// A module that is made on its first use.

#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

#include "sonnet/core/callable.h"
#include "sonnet/core/errors.h"
#include "sonnet/core/layer.h"
#include "sonnet/core/once.h"

namespace snt {

// The module that a Deferred makes. Copies share it.
class DeferredTarget {
 public:
  static constexpr bool holds_variables = true;
  static constexpr bool is_module = false;

  DeferredTarget() = default;
  // No move: a moved-from module stays valid.
  DeferredTarget(const DeferredTarget&) = default;
  DeferredTarget& operator=(const DeferredTarget&) = default;

  // The module, made by `constructor` if this is the first time.
  const Layer& get(const Callable<Layer()>& constructor) const;
  // Whether it was made.
  bool is_built() const { return state_->once.done(); }

  // For walks and clones.
  void walk_(Walker& walker) {
    if (is_built()) state_->target->walk_(walker);
  }
  DeferredTarget clone_(Cloner& cloner) const;

 private:
  struct State {
    Once once;
    std::optional<Layer> target;
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

// Makes a module on its first call, by a constructor that may read what other
// modules know only then; the first call may come from several threads.
//
//     snt::Linear encoder{64};
//     snt::Deferred decoder{
//         [encoder] { return snt::Linear{encoder.input_size()}; }};
//     at::Tensor x = at::ones({2, 100});
//     at::Tensor y = decoder(encoder(x));  // y: [2, 100]
//     int64_t size = decoder.get<snt::Linear>().output_size;
//
// Other methods than the call operator are reached through `get<T>()`. (In
// Sonnet they are named in `call_methods`.) See sonnet/src/deferred.py.
struct Deferred {
  // Makes the module: any callable without arguments that gives one.
  Callable<Layer()> constructor;
  std::string name = {};  // Replaces the field's name in tables.

  DeferredTarget target = {};  // Empty until the first use.

  // Throws ValueError when there is no constructor.
  void check() const;

  // The module, made if this is the first use.
  const Layer& get() const;
  // The same as its own type. Throws TypeError when it is of another.
  template <class T>
  T& get() const {
    T* module = get().template get_if<T>();
    snt::check<TypeError>(module != nullptr, "Deferred", "the target is a ",
                          get().class_name(), ", not a ",
                          reflect::class_name<T>());
    return *module;
  }

  // What the target gives.
  at::Tensor operator()(const at::Tensor& x) const { return get()(x); }
  template <class... Args>
  requires(sizeof...(Args) > 0) at::Tensor operator()(
      const at::Tensor& x, const Args&... args) const {
    return get()(x, args...);
  }
  // The same with any nests.
  Nest call(std::span<const Nest> args) const { return get().call(args); }
};

// Prints as "Deferred(Linear(output_size=10))", which makes the target. In JSON
// the constructor is the target's {"class": ..., "config": {...}}.
template <>
struct ConfigTraits<Deferred> {
  static Config to(const Deferred& value);
  static Deferred from(const Config& config, const std::string& where);
};

}  // namespace snt
