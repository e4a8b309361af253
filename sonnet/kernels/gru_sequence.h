// File: kernels/gru_sequence.h
// A GRU over a whole sequence.

#pragma once

#include <ATen/core/Tensor.h>

namespace snt::kernels {

struct GruSequence {
  at::Tensor x;         // [T, B, I]
  at::Tensor hidden;    // [B, H], before the first step.
  at::Tensor w_i, w_h;  // [I, 3 H] and [H, 3 H], gates z r a.
  at::Tensor b;         // [3 H]
};

// Whether `gru_sequence` takes it: float32 on a CPU, nothing empty, and see
// takes_sequence().
bool takes_gru(const GruSequence& sequence);

// h after each step [T, B, H], as one function of the autograd graph, by the
// equations of recurrent/gru.h. With create_graph the gradients come by way of
// gru_step_by_step.
at::Tensor gru_sequence(const GruSequence& sequence);

// The same from libtorch's operations, for any floating dtype and device.
at::Tensor gru_step_by_step(const GruSequence& sequence);

}  // namespace snt::kernels
