// File: kernels/recurrent/rnn_sequence.h
// A plain recurrent network over a whole sequence.

#pragma once

#include <ATen/core/Tensor.h>

namespace snt::kernels {

struct RnnSequence {
  at::Tensor x;             // [T, B, I]
  at::Tensor hidden;        // [B, H], before the first step.
  at::Tensor w_i, w_h;      // [I, H] and [H, H]
  at::Tensor b;             // [H]
  bool is_relu = false;     // The activation: relu, or else tanh.
  at::Tensor lengths = {};  // [B] integers, or undefined: all have T steps.
};

// Whether `rnn_sequence` takes it: float32 on a CPU, or without lengths any
// floating dtype on a CUDA device; nothing empty, and see takes_sequence().
bool takes_rnn(const RnnSequence& sequence);

// h after each step [T, B, H], as one function of the autograd graph:
// h' = activation(x w_i + h w_h + b); rows that have ended repeat their last h,
// or zeros. With create_graph the gradients come by way of rnn_step_by_step.
// (On a CUDA device it is rnn_by_libtorch.)
at::Tensor rnn_sequence(const RnnSequence& sequence);

// The same from libtorch's operations, for any floating dtype and device.
at::Tensor rnn_step_by_step(const RnnSequence& sequence);

}  // namespace snt::kernels
