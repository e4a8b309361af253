// File: kernels/recurrent/rnn_loops.h
// All steps of a plain recurrent network for some rows of the batch, forward
// and backward: h' = f(x w_i + h w_h + b), where f is tanh or relu.
//
//   T steps, B batch, I inputs, H hidden; P is H rounded up to two vectors

#pragma once

#include "sonnet/kernels/recurrent/recurrent_sequence.h"

namespace snt::kernels {

struct RnnForward {
  int64_t steps, batch, inputs, hidden, padded;
  bool is_relu;
  Rows x;               // [T, B, I]
  Rows h_first;         // [B, H]
  const float* bias;    // [P]
  const float* panels;  // Panels::of_columns of w_i above w_h.
  float* y;             // [T, B, H]

  // What the backward pass needs, or nullptr: h before each step, and at last.
  float* states;  // [T + 1, B, H]
};
// Writes the rows of the share.
void rnn_forward(const RnnForward& sequence, const Share& share);

struct RnnBackward {
  int64_t steps, batch, inputs, hidden, padded;
  bool is_relu;
  const float* states;    // As above.
  const float* h_panels;  // Panels::of_columns of w_h^T.
  const float* x_panels;  // The same of w_i^T; only for dx.
  Rows dy, dh_last;       // Gradients of the results.
  float* dsums;           // [T, B, H]: those before f.
  float* dx;              // [T, B, I], or nullptr.
  float* dh_first;        // [B, H], or nullptr.
};
// Writes the rows of the share, and their part in the gradient of the bias to
// `dbias` [P], which is zeros before.
void rnn_backward(const RnnBackward& sequence, const Share& share,
                  float* dbias);

}  // namespace snt::kernels
