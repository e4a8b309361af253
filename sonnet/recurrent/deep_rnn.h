// File: recurrent/deep_rnn.h
// Recurrent cores on top of each other.

#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sonnet/core/nest.h"
#include "sonnet/core/required.h"
#include "sonnet/recurrent/core.h"
#include "sonnet/recurrent/rnn_layer.h"

namespace snt {

// A core made of layers, each of which gives the input of the next: recurrent
// cores, which have a state, and modules or functions of one input.
//
//   inputs      what the first layer takes
//   prev_state  a list with the state of each layer that is a core
//   returns     {the output of the last layer, the next state}
//
// Without layers the output is the input. Copies share the layers.
//
//     snt::DeepRNN rnn{{snt::Linear{8}, snt::LSTM{16},
//                       snt::activations::relu, snt::GRU{4}}};
//     auto [y, state] = rnn(at::ones({2, 3}), rnn.initial_state(2));
//     at::Tensor h = state.at(0).at("hidden").tensor();  // h: [2, 16]
//     // y: [2, 4]
//
// A tensor gives a tensor; give a snt::Nest where something else comes out. A
// typed state may be given, too: std::tuple(lstm_state, gru_state).
//
// Throws ValueError when the state has another number of entries than there are
// cores, and what the layers throw. Source: sonnet/src/recurrent.py.
struct DeepRNN {
  std::vector<RNNLayer> layers = {};  // Cores, modules and functions.
  std::string name = {};              // Replaces the field's name in tables.

  // The output of the last layer, and the next state.
  template <class Input, class State>
  std::pair<detail::SameKind<Input>, Nest> operator()(
      const Input& inputs, const State& prev_state) const {
    auto [output, next] = step(to_nest(inputs), to_nest(prev_state));
    return {from_nest<detail::SameKind<Input>>(output, "output"),
            std::move(next)};
  }
  // The same with any nests.
  std::pair<Nest, Nest> step(const Nest& inputs, const Nest& prev_state) const;
  // The same in the form of Layer::call.
  Nest call(std::span<const Nest> args) const;
  // All steps at once: see recurrent/unroll.h.
  template <class Input, class State>
  std::optional<std::pair<Nest, Nest>> unroll_(
      const Input& input_sequence, const State& initial_state,
      const at::Tensor& sequence_length = {}) const {
    return unroll_all(to_nest(input_sequence), to_nest(initial_state),
                      sequence_length);
  }
  std::optional<std::pair<Nest, Nest>> unroll_all(
      const Nest& input_sequence, const Nest& initial_state,
      const at::Tensor& sequence_length) const;

  // The first state of each core, in a list.
  Nest initial_state(int64_t batch_size,
                     std::optional<at::Device> device = {}) const;

  // For printing and JSON: the layers are always told.
  std::vector<Config::Option> options_config() const;
};

// What the two functions below give: a DeepRNN whose layers may see more than
// the output of the layer before. (Sonnet prints it as _LegacyDeepRNN.)
//
//     snt::LegacyDeepRNN rnn =
//         snt::deep_rnn_with_skip_connections({snt::LSTM{4}, snt::LSTM{3}});
//     auto [y, state] = rnn(at::ones({2, 5}), rnn.initial_state(2));
//     // y: [2, 7]
struct LegacyDeepRNN {
  static constexpr std::string_view class_name = "_LegacyDeepRNN";

  std::vector<RNNLayer> layers = {};  // Cores, modules and functions.
  Required<bool> skip_connections;    // Whether layers also see the inputs.
  // With skip connections: whether the output is that of all layers.
  bool concat_final_output_if_skip = true;
  std::string name = {};  // Replaces the field's name in tables.

  // The output, and the next state.
  template <class Input, class State>
  std::pair<detail::SameKind<Input>, Nest> operator()(
      const Input& inputs, const State& prev_state) const {
    auto [output, next] = step(to_nest(inputs), to_nest(prev_state));
    return {from_nest<detail::SameKind<Input>>(output, "output"),
            std::move(next)};
  }
  // The same with any nests.
  std::pair<Nest, Nest> step(const Nest& inputs, const Nest& prev_state) const;
  // The same in the form of Layer::call.
  Nest call(std::span<const Nest> args) const;
  // All steps at once: see recurrent/unroll.h.
  template <class Input, class State>
  std::optional<std::pair<Nest, Nest>> unroll_(
      const Input& input_sequence, const State& initial_state,
      const at::Tensor& sequence_length = {}) const {
    return unroll_all(to_nest(input_sequence), to_nest(initial_state),
                      sequence_length);
  }
  std::optional<std::pair<Nest, Nest>> unroll_all(
      const Nest& input_sequence, const Nest& initial_state,
      const at::Tensor& sequence_length) const;

  // The first state of each core, in a list.
  Nest initial_state(int64_t batch_size,
                     std::optional<at::Device> device = {}) const;
};

// A core whose output is that of another plus its input.
//
//     snt::ResidualWrapper core{snt::LSTM{4}};
//     auto [y, state] = core(at::ones({2, 4}), core.initial_state(2));
//
// Throws ValueError when output and input have other structures or shapes.
// (Sonnet prints it as _ResidualWrapper.)
struct ResidualWrapper {
  static constexpr std::string_view class_name = "_ResidualWrapper";
  static constexpr size_t num_options = 1;

  Core base_core;         // Its output has the structure of its input.
  std::string name = {};  // "lstm_residual"; no option.

  // inputs + the output of base_core, and the next state.
  template <class Input, class State>
  std::pair<detail::SameKind<Input>, Nest> operator()(
      const Input& inputs, const State& prev_state) const {
    auto [output, next] = step(to_nest(inputs), to_nest(prev_state));
    return {from_nest<detail::SameKind<Input>>(output, "output"),
            std::move(next)};
  }
  // The same with any nests.
  std::pair<Nest, Nest> step(const Nest& inputs, const Nest& prev_state) const;
  // The same in the form of Layer::call.
  Nest call(std::span<const Nest> args) const;
  // All steps at once: see recurrent/unroll.h.
  template <class Input, class State>
  std::optional<std::pair<Nest, Nest>> unroll_(
      const Input& input_sequence, const State& initial_state,
      const at::Tensor& sequence_length = {}) const {
    return unroll_all(to_nest(input_sequence), to_nest(initial_state),
                      sequence_length);
  }
  std::optional<std::pair<Nest, Nest>> unroll_all(
      const Nest& input_sequence, const Nest& initial_state,
      const at::Tensor& sequence_length) const;

  // That of base_core.
  Nest initial_state(int64_t batch_size,
                     std::optional<at::Device> device = {}) const;
};

// A DeepRNN with skip connections: each layer after the first sees the inputs
// too, and the output is that of all layers, or of the last only:
//
//   y_0 = layers[0](x)
//   y_i = layers[i]([x, y_i-1])     concatenated along the last dimension
//   y   = [y_0, ..., y_n]           or y_n
//
//     auto rnn = snt::deep_rnn_with_skip_connections(
//         {snt::LSTM{16}, snt::GRU{8}}, /*concat_final_output=*/false);
//
// Layers must be cores; from JSON anything else is a ValueError. Throws
// ValueError for no layers whose outputs shall be joined.
LegacyDeepRNN deep_rnn_with_skip_connections(
    const std::vector<Core>& layers, bool concat_final_output = true,
    const std::string& name = "deep_rnn_with_skip_connections");

// A DeepRNN with residual connections: the output of each layer is added to its
// input, y_i = layers[i](y_i-1) + y_i-1.
//
//     auto rnn = snt::deep_rnn_with_residual_connections(
//         {snt::LSTM{16}, snt::GRU{16}});
//     auto [y, state] = rnn(at::ones({2, 16}), rnn.initial_state(2));
//
// Layers must be cores; from JSON anything else is a ValueError.
LegacyDeepRNN deep_rnn_with_residual_connections(
    const std::vector<Core>& layers,
    const std::string& name = "deep_rnn_with_residual_connections");

namespace detail {
// The two functions with the arguments in `config`, for registries.
Core skip_connections_from_config(const Config& config,
                                  const std::string& where);
Core residual_connections_from_config(const Config& config,
                                      const std::string& where);
}  // namespace detail

}  // namespace snt
