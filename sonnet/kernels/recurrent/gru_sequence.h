// File: kernels/recurrent/gru_sequence.h
// A GRU over a whole sequence.

#pragma once

#include <ATen/core/Tensor.h>

namespace snt::kernels {

struct GruSequence {
  at::Tensor x;             // [T, B, I]
  at::Tensor hidden;        // [B, H], before the first step.
  at::Tensor w_i, w_h;      // [I, 3 H] and [H, 3 H], gates z r a.
  at::Tensor b;             // [3 H]
  at::Tensor lengths = {};  // [B] integers, or undefined: all have T steps.
  // The equations: those of recurrent/cudnn_gru.h, or else of recurrent/gru.h.
  bool resets_after = false;
};

// Whether `gru_sequence` takes it: float32 on a CPU, or without lengths and
// with resets_after any floating dtype on a CUDA device; nothing empty, and see
// takes_sequence().
bool takes_gru(const GruSequence& sequence);

// h after each step [T, B, H], as one function of the autograd graph; rows
// that have ended repeat their last h, or zeros. With create_graph the
// gradients come by way of gru_step_by_step. (On a CUDA device it is
// gru_by_libtorch.)
at::Tensor gru_sequence(const GruSequence& sequence);

// The same from libtorch's operations, for any floating dtype and device.
at::Tensor gru_step_by_step(const GruSequence& sequence);

}  // namespace snt::kernels
