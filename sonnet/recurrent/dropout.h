// File: recurrent/dropout.h
// Dropout of the state of a recurrent core.

#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "sonnet/core/nest.h"
#include "sonnet/recurrent/core.h"
#include "sonnet/recurrent/lstm.h"

namespace snt {

// A core whose previous state is multiplied with a mask of 0 and
// 1 / (1 - rate). The mask is drawn in initial_state and stays the same in all
// steps of a sequence; it is part of the state:
//
//   state = [state of base_core, masks]
//
//     snt::RecurrentDropout core{
//         snt::LSTM{16},
//         snt::Nest::Dict{{"hidden", 0.25}, {"cell", snt::Nest()}}};
//     auto [y, state] = core(at::ones({2, 4}), core.initial_state(2));
//     at::Tensor mask = state.at(1).at("hidden").tensor();  // mask: [2, 16]
//
// Throws ValueError for a rate outside [0, 1), and when rates and state differ
// in structure. (Sonnet prints it as _RecurrentDropoutWrapper.) Source: Gal and
// Ghahramani 2016 (gal2016theoretically); sonnet/src/recurrent.py.
struct RecurrentDropout {
  static constexpr std::string_view class_name = "_RecurrentDropoutWrapper";
  static constexpr size_t num_options = 3;

  Core base_core;  // Whose state is dropped.
  // A nest like its state, of rates; nothing: no dropout of what is there.
  Nest rates = {};
  std::optional<int64_t> seed = {};  // Of the masks; unset: libtorch's.
  std::string name = {};             // "lstm_recurrent_dropout"; no option.

  // Throws ValueError for a rate outside [0, 1).
  void check() const;

  // The output of base_core, and the next state.
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

  // The first state of base_core and new masks.
  Nest initial_state(int64_t batch_size,
                     std::optional<at::Device> device = {}) const;
};

// An LSTM to train, with dropout, and the same LSTM without.
struct LSTMWithRecurrentDropout {
  RecurrentDropout train_lstm;  // With dropout.
  LSTM test_lstm;               // Its variables are those of train_lstm.
};

// An LSTM whose previous hidden state is dropped while it is trained, by one
// mask for a whole sequence.
//
//     auto [train, test] = snt::lstm_with_recurrent_dropout(16, 0.25);
//     at::Tensor x = at::ones({7, 2, 4});
//     auto [y, state] = snt::dynamic_unroll(train, x, train.initial_state(2));
//     auto [z, last] = snt::dynamic_unroll(test, x, test.initial_state(2));
//
// Throws ValueError when dropout is not in [0, 1).
LSTMWithRecurrentDropout lstm_with_recurrent_dropout(
    int64_t hidden_size, double dropout = 0.5,
    std::optional<int64_t> seed = {});

// The same for an LSTM with other options (Sonnet's **kwargs).
//
//     auto [train, test] = snt::lstm_with_recurrent_dropout(
//         snt::LSTM{.hidden_size = 16, .projection_size = 8}, 0.25);
LSTMWithRecurrentDropout lstm_with_recurrent_dropout(
    const LSTM& lstm, double dropout = 0.5, std::optional<int64_t> seed = {});

}  // namespace snt
