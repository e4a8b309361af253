// File: recurrent/cudnn_gru.h
// The gated recurrent unit as cuDNN has it, over whole sequences.

#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <string>
#include <utility>

#include "sonnet/core/initializer.h"
#include "sonnet/core/required.h"
#include "sonnet/core/variable.h"

namespace snt {

// The gated recurrent unit of cuDNN and of at::gru, over all steps in one call.
// Unlike GRU it resets after the matrix product, and z keeps the old value:
//
//   z = sigmoid(x w_i[z] + h w_h[z] + b[z])
//   r = sigmoid(x w_i[r] + h w_h[r] + b[r])
//   a = tanh(x w_i[a] + r (h w_h[a]) + b[a])
//   h' = (1 - z) a + z h
//
//   x       [steps, batch, input_size]   of `dtype`, steps >= 1
//   before  [batch, hidden_size]         h before the first step
//   y       [steps, batch, hidden_size]  h' of every step
//   after   [1, batch, hidden_size]      h' of the last
//
// Runs on any device (Sonnet's needs a GPU). `input_size` is read from the
// first x; the variables are created then, on the device of x. Copies share
// them.
//
//     snt::CuDNNGRU gru{16};
//     auto [y, state] = gru(at::ones({7, 2, 4}), gru.initial_state(2));
//     // y: [7, 2, 16], state: [1, 2, 16]
//
// Throws ValueError when x has another rank than 3 or no steps, when its size
// is not that of the first x or the state does not fit, TypeError for another
// dtype than `dtype`. Source: Cho et al. 2014, https://arxiv.org/abs/1406.1078;
// sonnet/src/recurrent.py.
struct CuDNNGRU {
  static constexpr bool is_unrolled = true;  // Takes whole sequences.

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

  // The output of every step, and that of the last alone.
  std::pair<at::Tensor, at::Tensor> operator()(
      const at::Tensor& inputs, const at::Tensor& prev_state) const;

  // Zeros, on the device of the variables unless another is given.
  at::Tensor initial_state(int64_t batch_size,
                           std::optional<at::Device> device = {}) const;

  // w_i and w_h. Throw NotBuiltError before the first call.
  const at::Tensor& input_to_hidden() const { return w_i.value(); }
  const at::Tensor& hidden_to_hidden() const { return w_h.value(); }
};

}  // namespace snt
