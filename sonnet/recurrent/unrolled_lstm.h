// File: recurrent/unrolled_lstm.h
// Long short-term memory over whole sequences.

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

// An LSTM over all steps of a sequence in one call: the same equations, the
// same variables and the same numbers as dynamic_unroll of an LSTM without
// projection, with one matrix product for the inputs of all steps.
//
//   x       [steps, batch, input_size]   of `dtype`, steps >= 1
//   y       [steps, batch, hidden_size]  h of every step
//   states  [batch, hidden_size]         h and c before and after all steps
//
// `input_size` is read from the first x; the variables are created then, on the
// device of x. Copies share them. The number of steps may change from call to
// call.
//
//     snt::UnrolledLSTM lstm{16};
//     auto [y, state] = lstm(at::ones({7, 2, 4}), lstm.initial_state(2));
//     // y: [7, 2, 16], state.hidden: [2, 16]
//
// Throws ValueError when x has another rank than 3 or no steps, when its size
// is not that of the first x or the state does not fit, TypeError for another
// dtype than `dtype`. Source: Zaremba et al. 2014 (zaremba2014recurrent);
// sonnet/src/recurrent.py.
struct UnrolledLSTM {
  static constexpr bool is_unrolled = true;  // Takes whole sequences.

  Required<int64_t> hidden_size;  // Size of h and c.
  Initializer w_i_init = {};  // Unset: TruncatedNormal(1 / sqrt(input_size)).
  Initializer w_h_init = {};  // Unset: TruncatedNormal(1 / sqrt(hidden_size)).
  Initializer b_init = {};    // Unset: Zeros.
  double forget_bias = 1.0;   // Added to b's forget gate when it is created.
  at::ScalarType dtype = at::kFloat;  // Of the variables, x and the state.
  std::string name = {};              // Replaces the field's name in tables.

  Variable w_i = {};  // [input_size, 4 hidden_size], gates i f g o.
  Variable w_h = {};  // [hidden_size, 4 hidden_size], gates i f g o.
  Variable b = {};    // [4 hidden_size], gates i f g o.

  // Throws ValueError when hidden_size < 0.
  void check() const;

  // The output of every step, and the state after the last.
  std::pair<at::Tensor, LSTMState> operator()(
      const at::Tensor& input_sequence, const LSTMState& initial_state) const;

  // Zeros, on the device of the variables unless another is given.
  LSTMState initial_state(int64_t batch_size,
                          std::optional<at::Device> device = {}) const;

  // w_i and w_h. Throw NotBuiltError before the first call.
  const at::Tensor& input_to_hidden() const { return w_i.value(); }
  const at::Tensor& hidden_to_hidden() const { return w_h.value(); }
};

}  // namespace snt
