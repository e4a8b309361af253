// File: kernels/recurrent/gru_loops.h
// All steps of a GRU for some rows of the batch, forward and backward: the
// equations are those of recurrent/gru.h, or of recurrent/cudnn_gru.h, which
// `resets_after` the matrix product.
//
//   T steps, B batch, I inputs, H hidden; P is H rounded up to two vectors

#pragma once

#include "sonnet/kernels/recurrent/recurrent_sequence.h"

namespace snt::kernels {

struct GruForward {
  int64_t steps, batch, inputs, hidden, padded;
  bool resets_after;
  Rows x;                  // [T, B, I]
  Rows h_first;            // [B, H]
  const float* bias;       // [3, P], gates z r a.
  const float* zr_panels;  // Panels::of_gates of z and r of w_i above w_h.
  const float* a_panels;   // Panels::of_columns of their a.
  float* y;                // [T, B, H]

  // What the backward pass needs; all nullptr if there is none.
  float* gates;   // [T, B, 3, P], after their sigmoid or tanh.
  float* states;  // [T, B, H]: h before each step.
  float* news;    // [T, B, P]: h w_h[a], only if it resets after.
};
// Writes the rows of the share.
void gru_forward(const GruForward& sequence, const Share& share);

struct GruBackward {
  int64_t steps, batch, inputs, hidden, padded;
  bool resets_after;
  const float *gates, *states, *news;  // As above.
  // Panels::of_columns of parts of w_h^T and w_i^T: z and r, then a; all of
  // w_i, only for dx. If it resets after: z r a of w_h, none, a z r of w_i.
  const float *zr_panels, *a_panels, *x_panels;
  Rows dy, dh_last;  // Gradients of the results.
  // [T, B, 3 H]: those before sigmoid and tanh. If it resets after [T, B, 4 H]:
  // those of a z r, and of `news`.
  float* dgates;
  float* resets;    // [T, B, H]: r h before each step, unless it resets after.
  float* dx;        // [T, B, I], or nullptr.
  float* dh_first;  // [B, H], or nullptr.

  // The first columns of z and r, and of a, in dgates, and how many there are.
  int64_t at_z() const { return resets_after ? hidden : 0; }
  int64_t at_a() const { return resets_after ? 0 : 2 * hidden; }
  int64_t columns() const { return (resets_after ? 4 : 3) * hidden; }
};
// Writes the rows of the share, and their part in the gradient of the bias to
// `dbias` [3, P], which is zeros before.
void gru_backward(const GruBackward& sequence, const Share& share,
                  float* dbias);

}  // namespace snt::kernels
