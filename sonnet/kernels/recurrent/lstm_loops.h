// File: kernels/recurrent/lstm_loops.h
// All steps of an LSTM for some rows of the batch, forward and backward: the
// equations are those of recurrent/lstm.h.
//
//   T steps, B batch, I inputs, H hidden; P is H rounded up to two vectors

#pragma once

#include "sonnet/kernels/recurrent/recurrent_sequence.h"

namespace snt::kernels {

struct LstmForward {
  int64_t steps, batch, inputs, hidden, padded;
  Rows x;                  // [T, B, I]
  Rows h_first, c_first;   // [B, H]
  const float* bias;       // [4, P], gates i f g o.
  const float* panels;     // Panels::of_gates of w_i above w_h.
  float* y;                // [T, B, H]
  float *h_last, *c_last;  // [B, H]

  // What the backward pass needs; all nullptr if there is none.
  float* gates;   // [T, B, 4, P], after their sigmoid or tanh.
  float* cells;   // [T + 1, B, P]: c before each step, and at last.
  float* states;  // [T, B, H]: h before each step.
};
// Writes the rows of the share.
void lstm_forward(const LstmForward& sequence, const Share& share);

struct LstmBackward {
  int64_t steps, batch, inputs, hidden, padded;
  const float *gates, *cells;  // As above.
  const float* h_panels;       // Panels::of_columns of w_h^T.
  const float* x_panels;       // The same of w_i^T; only for dx.
  Rows dy, dh_last, dc_last;   // Gradients of the results.
  float* dgates;               // [T, B, 4 H]: those before sigmoid and tanh.
  float* dx;                   // [T, B, I], or nullptr.
  float *dh_first, *dc_first;  // [B, H], or nullptr.
};
// Writes the rows of the share, and their part in the gradient of the bias to
// `dbias` [4, P], which is zeros before.
void lstm_backward(const LstmBackward& sequence, const Share& share,
                   float* dbias);

}  // namespace snt::kernels
