// File: kernels/gru_loops.h
// All steps of a GRU for some rows of the batch, forward and backward: the
// equations are those of recurrent/gru.h.
//
//   T steps, B batch, I inputs, H hidden; P is H rounded up to two vectors

#pragma once

#include "sonnet/kernels/recurrent_sequence.h"

namespace snt::kernels {

struct GruForward {
  int64_t steps, batch, inputs, hidden, padded;
  Rows x;                  // [T, B, I]
  Rows h_first;            // [B, H]
  const float* bias;       // [3, P], gates z r a.
  const float* zr_panels;  // Panels::of_gates of z and r of w_i above w_h.
  const float* a_panels;   // Panels::of_columns of their a.
  float* y;                // [T, B, H]

  // What the backward pass needs; both nullptr if there is none.
  float* gates;   // [T, B, 3, P], after their sigmoid or tanh.
  float* states;  // [T, B, H]: h before each step.
};
// Writes the rows of the share.
void gru_forward(const GruForward& sequence, const Share& share);

struct GruBackward {
  int64_t steps, batch, inputs, hidden, padded;
  const float *gates, *states;  // As above.
  const float* zr_panels;       // Panels::of_columns of w_h^T, of z and r.
  const float* a_panels;        // The same of a.
  const float* x_panels;        // The same of w_i^T, all gates; only for dx.
  Rows dy, dh_last;             // Gradients of the results.
  float* dgates;                // [T, B, 3 H]: those before sigmoid and tanh.
  float* resets;                // [T, B, H]: r h before each step.
  float* dx;                    // [T, B, I], or nullptr.
  float* dh_first;              // [B, H], or nullptr.
};
// Writes the rows of the share, and their part in the gradient of the bias to
// `dbias` [3, P], which is zeros before.
void gru_backward(const GruBackward& sequence, const Share& share,
                  float* dbias);

}  // namespace snt::kernels
