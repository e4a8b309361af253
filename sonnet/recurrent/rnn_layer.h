// File: recurrent/rnn_layer.h
// One layer of a DeepRNN.

#pragma once

#include <string>
#include <type_traits>
#include <utility>
#include <variant>

#include "sonnet/core/layer.h"
#include "sonnet/recurrent/core.h"

namespace snt {

// A recurrent core, or any module or function of one input, held by value.
// Copies share it; snt::clone copies it deeply.
//
//     std::vector<snt::RNNLayer> layers = {snt::LSTM{16},
//                                          snt::activations::relu,
//                                          snt::Linear{4}};
//     bool first_has_a_state = layers[0].core() != nullptr;  // true
class RNNLayer {
 public:
  static constexpr bool holds_variables = true;
  static constexpr bool is_module = false;  // What it holds is one.

  // Holds a copy of `f`: as a core if it is one.
  template <class F>
  requires(!std::is_same_v<std::decay_t<F>, RNNLayer> &&
           (std::is_same_v<std::decay_t<F>, Layer> ||
            detail::HasInitialState<std::decay_t<F>> ||
            detail::LayerLike<std::decay_t<F>>))
      RNNLayer(F&& f)  // NOLINT: implicit, so that layers are simply listed.
      : held_(hold<std::decay_t<F>>(std::forward<F>(f))) {}
  // No move: a moved-from module stays valid.
  RNNLayer(const RNNLayer&) = default;
  RNNLayer& operator=(const RNNLayer&) = default;

  // The core, or nullptr when it is none.
  const Core* core() const { return std::get_if<Core>(&held_); }
  // The module or function, or nullptr when it is a core.
  const Layer* layer() const { return std::get_if<Layer>(&held_); }

  // What is held, as a value.
  Config config() const {
    return std::visit([](const auto& held) { return held.config(); }, held_);
  }

  // For walks and clones.
  void walk_(Walker& walker) {
    std::visit([&](auto& held) { held.walk_(walker); }, held_);
  }
  RNNLayer clone_(Cloner& cloner) const {
    return std::visit(
        [&](const auto& held) { return RNNLayer(held.clone_(cloner)); }, held_);
  }

 private:
  using Held = std::variant<Core, Layer>;

  template <class F>
  static Held hold(const F& f) {
    static_assert(
        !detail::IsUnrolled<F>,
        "snt: this module takes whole sequences: it cannot be a layer "
        "of a core.");
    if constexpr (std::is_same_v<F, Layer>) {
      return Held(std::in_place_type<Layer>, f);
    } else if constexpr (detail::HasInitialState<F>) {
      return Held(std::in_place_type<Core>, f);
    } else {
      return Held(std::in_place_type<Layer>, f);
    }
  }

  Held held_;
};

// An RNNLayer in a Config: a core where the class is one.
template <>
struct ConfigTraits<RNNLayer> {
  static Config to(const RNNLayer& value) { return value.config(); }
  static RNNLayer from(const Config& config, const std::string& where);
};

}  // namespace snt
