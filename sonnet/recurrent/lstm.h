// File: recurrent/lstm.h
// Long short-term memory, one step at a time.

#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <string>
#include <utility>

#include "sonnet/core/initializer.h"
#include "sonnet/core/required.h"
#include "sonnet/core/variable.h"
#include "sonnet/recurrent/lstm_state.h"

namespace snt {

// One step of a long short-term memory:
//
//   i, f, g, o = x w_i + h w_h + b      a quarter of the columns each
//   c' = sigmoid(f) c + sigmoid(i) tanh(g)
//   h' = sigmoid(o) tanh(c')            times `projection`, where there is one
//
//   x      [batch, input_size]   of `dtype`
//   h, h'  [batch, hidden_size]  or [batch, projection_size]
//   c, c'  [batch, hidden_size]
//
// The output is h'. `input_size` is read from the first x; the variables are
// created then, on the device of x. Copies share them.
//
//     snt::LSTM lstm{16};
//     auto [y, state] = lstm(at::ones({2, 4}), lstm.initial_state(2));
//     // y: [2, 16], the same as state.hidden
//
// Throws ValueError when x is no matrix, when its size is not that of the first
// x or the state does not fit, TypeError for another dtype than `dtype`.
// Source: Zaremba et al. 2014 (zaremba2014recurrent); the projection: Sak et
// al. 2014 (sak2014long); sonnet/src/recurrent.py.
struct LSTM {
  Required<int64_t> hidden_size;                // Size of the cell.
  std::optional<int64_t> projection_size = {};  // Of h; unset: no projection.
  // Unset: TruncatedNormal(1 / sqrt(hidden_size)). Needs projection_size.
  Initializer projection_init = {};
  Initializer w_i_init = {};  // Unset: TruncatedNormal(1 / sqrt(input_size)).
  Initializer w_h_init = {};  // Unset: TruncatedNormal(1 / sqrt(size of h)).
  Initializer b_init = {};    // Unset: Zeros.
  // Added to the forget gate's quarter of b when it is created: Jozefowicz et
  // al. 2015 (jozefowicz2015empirical).
  double forget_bias = 1.0;
  at::ScalarType dtype = at::kFloat;  // Of the variables, x and the state.
  std::string name = {};              // Replaces the field's name in tables.

  Variable w_i = {};         // [input_size, 4 hidden_size], gates i f g o.
  Variable w_h = {};         // [size of h, 4 hidden_size], gates i f g o.
  Variable b = {};           // [4 hidden_size], gates i f g o.
  Variable projection = {};  // [hidden_size, projection_size], or never made.

  // Throws ValueError for options that contradict each other.
  void check() const;

  // The output h' and the next state.
  std::pair<at::Tensor, LSTMState> operator()(
      const at::Tensor& inputs, const LSTMState& prev_state) const;

  // Zeros, on the device of the variables unless another is given.
  LSTMState initial_state(int64_t batch_size,
                          std::optional<at::Device> device = {}) const;

  // All steps at once where there is a kernel for them: see recurrent/unroll.h.
  std::optional<std::pair<at::Tensor, LSTMState>> unroll_(
      const at::Tensor& input_sequence, const LSTMState& initial_state,
      const at::Tensor& sequence_length = {}) const;

  // w_i and w_h. Throw NotBuiltError before the first call.
  const at::Tensor& input_to_hidden() const { return w_i.value(); }
  const at::Tensor& hidden_to_hidden() const { return w_h.value(); }
};

}  // namespace snt
