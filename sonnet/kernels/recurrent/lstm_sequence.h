// File: kernels/recurrent/lstm_sequence.h
// An LSTM over a whole sequence.

#pragma once

#include <ATen/core/Tensor.h>

namespace snt::kernels {

struct LstmSequence {
  at::Tensor x;             // [T, B, I]
  at::Tensor hidden, cell;  // [B, H], before the first step.
  at::Tensor w_i, w_h;      // [I, 4 H] and [H, 4 H], gates i f g o.
  at::Tensor b;             // [4 H]
  at::Tensor lengths = {};  // [B] integers, or undefined: all have T steps.
};

struct LstmResult {
  at::Tensor y;             // [T, B, H]: h after each step.
  at::Tensor hidden, cell;  // [B, H], after the last.
};

// Whether `lstm_sequence` takes it: float32 on a CPU, or without lengths any
// floating dtype on a CUDA device; nothing empty, and see takes_sequence().
bool takes_lstm(const LstmSequence& sequence);

// All steps as one function of the autograd graph, by the equations of
// recurrent/lstm.h; where rows have ended, by those of recurrent/unroll.h. With
// create_graph the gradients come by way of lstm_step_by_step. (On a CUDA
// device it is lstm_by_libtorch.)
LstmResult lstm_sequence(const LstmSequence& sequence);

// The same from libtorch's operations, for any floating dtype and device.
LstmResult lstm_step_by_step(const LstmSequence& sequence);

}  // namespace snt::kernels
