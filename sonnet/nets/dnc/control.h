// File: nets/dnc/control.h
// Controllers of a differentiable neural computer.

#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "sonnet/core/activation.h"
#include "sonnet/core/required.h"
#include "sonnet/layers/linear.h"
#include "sonnet/recurrent/core.h"

namespace snt::nets::dnc::control {

namespace detail {
Linear make_linear(int64_t output_size);
}  // namespace detail

// A Linear with an activation in the form of a recurrent core; the state is
// passed on as it is.
//
//   inputs      [batch, input_size]
//   prev_state  [batch, 1]
//   returns     {[batch, hidden_size], prev_state}
//
//     snt::nets::dnc::control::FeedForward core{8};
//     auto [y, state] = core(at::ones({2, 4}), core.initial_state(2));
//
// Throws what Linear throws. Source: sonnet/src/nets/dnc/control.py.
struct FeedForward {
  Required<int64_t> hidden_size;              // Size of the output.
  Activation activation = activations::tanh;  // Unset: none.
  at::ScalarType dtype = at::kFloat;          // Of the state.
  std::string name = {};  // Replaces the field's name in tables.

  // w [input_size, hidden_size] and b [hidden_size].
  Linear linear = detail::make_linear(hidden_size);

  // activation(linear(inputs)), and the state.
  std::pair<at::Tensor, at::Tensor> operator()(
      const at::Tensor& inputs, const at::Tensor& prev_state) const;

  // Zeros [batch_size, 1], on the device of the variables unless another is
  // given.
  at::Tensor initial_state(int64_t batch_size,
                           std::optional<at::Device> device = {}) const;
};

// A DeepRNN of `num_layers` controllers of one class, named LSTM_0, LSTM_1 ...,
// with skip connections or without.
//
//     snt::Core controller = snt::nets::dnc::control::deep_core(
//         "LSTM", R"({"hidden_size": 8})", /*num_layers=*/2);
//
// `control_name` is LSTM, GRU, FeedForward or any other registered core;
// `control_config` the JSON of its options. Throws ValueError for an unknown
// class, bad options, and for skip connections without layers.
Core deep_core(std::string_view control_name, std::string_view control_config,
               int64_t num_layers = 1, bool skip_connections = true,
               const std::string& name = {});

}  // namespace snt::nets::dnc::control
