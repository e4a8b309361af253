// File: core/layer.h
// A module or function of any type, held by value: what Sequential, BatchApply
// and Deferred are made of.

#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <typeinfo>
#include <utility>

#include "sonnet/core/clone.h"
#include "sonnet/core/dynamic_call.h"
#include "sonnet/core/nest.h"
#include "sonnet/core/registry.h"
#include "sonnet/core/walk.h"

namespace snt {

class Layer;

namespace detail {
// What a Layer holds: anything that can be called.
template <class F>
concept LayerLike =
    !std::is_same_v<F, Layer> && std::is_copy_constructible_v<F> &&
    (HasOneCall<F> || CallsDynamically<F> || MapsTensor<F>);
}  // namespace detail

// Any module, lambda or function, held by value. Copies of a Layer share it, as
// copies of a module share their variables; snt::clone copies it deeply.
//
//     snt::Layer linear = snt::Linear{3};
//     snt::Layer relu = snt::activations::relu;
//     at::Tensor y = relu(linear(at::ones({2, 4})));  // y: [2, 3]
//
// Calls with other than one tensor go through `call`, which takes and gives any
// nest.
class Layer {
 public:
  static constexpr bool holds_variables = true;
  static constexpr bool is_module = false;  // What it holds may be one.

  // Holds a copy of `f`.
  template <class F>
  requires(detail::LayerLike<std::decay_t<F>>)
      Layer(F&& f)  // NOLINT: implicit, so that layers are simply listed.
      : held_(std::make_shared<Of<std::decay_t<F>>>(std::forward<F>(f))) {}
  // No move: a moved-from module stays valid.
  Layer(const Layer&) = default;
  Layer& operator=(const Layer&) = default;

  // y = f(x). Throws TypeError when f gives something else than a tensor.
  at::Tensor operator()(const at::Tensor& x) const { return held_->map(x); }
  // The same with further arguments.
  template <class... Args>
  requires(sizeof...(Args) > 0) at::Tensor operator()(
      const at::Tensor& x, const Args&... args) const {
    const std::array<Nest, 1 + sizeof...(Args)> nests = {Nest(x),
                                                         to_nest(args)...};
    return call(std::span<const Nest>(nests)).tensor();
  }

  // Calls with any nests and gives any nest.
  //
  // Throws TypeError when the arguments do not fit the held call operator.
  Nest call(std::span<const Nest> args) const { return held_->call(args); }

  // Whether a tensor always gives a tensor.
  bool maps_tensor() const { return held_->maps_tensor(); }

  // The held module if it is an F, else nullptr.
  template <class F>
  F* get_if() const {
    auto* of = dynamic_cast<Of<F>*>(held_.get());
    return of ? &of->f : nullptr;
  }

  // The name of the held class: "Linear".
  std::string class_name() const { return held_->class_name(); }
  // The held module as a value.
  Config config() const { return held_->config(); }

  // For walks and clones.
  void walk_(Walker& walker) { held_->walk(walker); }
  Layer clone_(Cloner& cloner) const {
    return Layer(cloner.shared(held_, [&] { return held_->clone(cloner); }));
  }

 private:
  struct Base {
    virtual ~Base() = default;
    virtual at::Tensor map(const at::Tensor& x) const = 0;
    virtual Nest call(std::span<const Nest> args) const = 0;
    virtual bool maps_tensor() const = 0;
    virtual std::string class_name() const = 0;
    virtual Config config() const = 0;
    virtual void walk(Walker& walker) = 0;
    virtual std::shared_ptr<Base> clone(Cloner& cloner) const = 0;
  };
  template <class F>
  struct Of final : Base {
    explicit Of(F function) : f(std::move(function)) {}
    at::Tensor map(const at::Tensor& x) const override {
      if constexpr (detail::MapsTensor<F>) {
        return std::invoke(f, x);
      } else {
        const Nest nest(x);
        return call(std::span<const Nest>(&nest, 1)).tensor();
      }
    }
    Nest call(std::span<const Nest> args) const override {
      return detail::call_dynamic(f, args, reflect::class_name<F>());
    }
    bool maps_tensor() const override { return detail::MapsTensor<F>; }
    std::string class_name() const override {
      return std::string(reflect::class_name<F>());
    }
    Config config() const override { return to_config(f); }
    void walk(Walker& walker) override {
      if constexpr (std::is_class_v<F>) snt::walk(f, walker);
    }
    std::shared_ptr<Base> clone(Cloner& cloner) const override {
      return std::make_shared<Of>(deep_copy(f, cloner));
    }
    F f;
  };

  explicit Layer(std::shared_ptr<Base> held) : held_(std::move(held)) {}

  std::shared_ptr<Base> held_;
};

// Sonnet's name for it.
using Module = Layer;

// A module of a registered class from the JSON of its options.
//
//     snt::Layer mlp =
//         snt::make_module("nets.MLP", R"({"output_sizes": [8, 4]})");
//
// Throws ValueError for an unknown class or bad options, listing the known.
Layer make_module(std::string_view class_name, std::string_view json = "{}");

// A Layer in a Config: null is not allowed.
template <>
struct ConfigTraits<Layer> {
  static Config to(const Layer& value) { return value.config(); }
  static Layer from(const Config& config, const std::string& where) {
    return registry<Layer>().make(config, where);
  }
};

}  // namespace snt
