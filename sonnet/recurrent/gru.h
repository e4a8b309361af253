// File: recurrent/gru.h
// The gated recurrent unit, one step at a time.

#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <string>
#include <utility>

#include "sonnet/core/initializer.h"
#include "sonnet/core/required.h"
#include "sonnet/core/variable.h"

namespace snt {

// One step of a gated recurrent unit, whose update gate z mixes the state with
// a new value that sees as much of it as the reset gate r lets through:
//
//   z = sigmoid(x w_i[z] + h w_h[z] + b[z])
//   r = sigmoid(x w_i[r] + h w_h[r] + b[r])
//   a = tanh(x w_i[a] + (r h) w_h[a] + b[a])
//   h' = (1 - z) h + z a
//
//   x      [batch, input_size]   of `dtype`
//   h, h'  [batch, hidden_size]
//
// where [z], [r] and [a] are a third of the columns each. h' is both the output
// and the next state. at::gru and cuDNN reset after the matrix product and swap
// the roles of z and 1 - z: see CuDNNGRU.
//
// `input_size` is read from the first x; the variables are created then, on the
// device of x. Copies share them.
//
//     snt::GRU gru{16};
//     auto [y, state] = gru(at::ones({2, 4}), gru.initial_state(2));
//     // y: [2, 16], the same as state
//
// Throws ValueError when x is no matrix, when its size is not that of the first
// x or the state does not fit, TypeError for another dtype than `dtype`.
// Source: Chung et al. 2014 (chung2014empirical); sonnet/src/recurrent.py.
struct GRU {
  Required<int64_t> hidden_size;      // Size of h.
  Initializer w_i_init = {};          // Unset: Glorot uniform.
  Initializer w_h_init = {};          // Unset: Glorot uniform.
  Initializer b_init = {};            // Unset: Zeros.
  at::ScalarType dtype = at::kFloat;  // Of the variables, x and the state.
  std::string name = {};              // Replaces the field's name in tables.

  Variable w_i = {};  // [input_size, 3 hidden_size], gates z r a.
  Variable w_h = {};  // [hidden_size, 3 hidden_size], gates z r a.
  Variable b = {};    // [3 hidden_size], gates z r a.

  // Throws ValueError when hidden_size < 0.
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

  // w_i and w_h. Throw NotBuiltError before the first call.
  const at::Tensor& input_to_hidden() const { return w_i.value(); }
  const at::Tensor& hidden_to_hidden() const { return w_h.value(); }
};

}  // namespace snt
