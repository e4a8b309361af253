// File: recurrent/vanilla_rnn.h
// The plain recurrent network, one step at a time.

#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <string>
#include <utility>

#include "sonnet/core/activation.h"
#include "sonnet/core/initializer.h"
#include "sonnet/core/required.h"
#include "sonnet/core/variable.h"
#include "sonnet/layers/linear.h"

namespace snt {

// One step of the plain recurrent network:
// h' = activation(x input_to_hidden.w + h hidden_to_hidden.w + b).
//
//   x      [batch, input_size]   of `dtype`
//   h, h'  [batch, hidden_size]
//
// h' is both the output and the next state. `input_size` is read from the first
// x; the variables are created then, on the device of x. Copies share them.
//
//     snt::VanillaRNN rnn{16};
//     auto [y, state] = rnn(at::ones({2, 4}), rnn.initial_state(2));
//     // y: [2, 16], the same as state
//
// Throws ValueError when the size of x is not that of the first x or the state
// does not fit, TypeError for another dtype than `dtype`. Source: sonnet/src/
// recurrent.py.
struct VanillaRNN {
  Required<int64_t> hidden_size;              // Size of h.
  Activation activation = activations::tanh;  // Of the sum.
  Initializer w_i_init = {};  // Unset: TruncatedNormal(1 / sqrt(input_size)).
  Initializer w_h_init = {};  // Unset: TruncatedNormal(1 / sqrt(hidden_size)).
  Initializer b_init = {};    // Unset: Zeros.
  at::ScalarType dtype = at::kFloat;  // Of the variables, x and the state.
  std::string name = {};              // Replaces the field's name in tables.

  // w: [input_size, hidden_size]
  Linear input_to_hidden = {
      .output_size = hidden_size, .with_bias = false, .w_init = w_i_init};
  // w: [hidden_size, hidden_size]
  Linear hidden_to_hidden = {
      .output_size = hidden_size, .with_bias = false, .w_init = w_h_init};
  Variable b = {};  // [hidden_size]

  // Throws ValueError when hidden_size < 0 or there is no activation.
  void check() const;

  // The output h', twice.
  std::pair<at::Tensor, at::Tensor> operator()(
      const at::Tensor& inputs, const at::Tensor& prev_state) const;

  // Zeros, on the device of the variables unless another is given.
  at::Tensor initial_state(int64_t batch_size,
                           std::optional<at::Device> device = {}) const;

  // All steps at once where there is a kernel for them: see recurrent/unroll.h.
  std::optional<std::pair<at::Tensor, at::Tensor>> unroll_(
      const at::Tensor& input_sequence, const at::Tensor& initial_state,
      const at::Tensor& sequence_length = {}) const;
};

}  // namespace snt
