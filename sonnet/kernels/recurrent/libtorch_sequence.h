// File: kernels/recurrent/libtorch_sequence.h
// Whole sequences by way of at::lstm, at::gru and at::rnn_tanh: on a CUDA
// device those are cuDNN's kernels. On other devices they are for tests only.
//
// Weights are ours: see the headers of the sequences. None takes lengths. cuDNN
// has no second derivatives, and says so.

#pragma once

#include <initializer_list>

#include "sonnet/kernels/recurrent/gru_sequence.h"
#include "sonnet/kernels/recurrent/lstm_sequence.h"
#include "sonnet/kernels/recurrent/rnn_sequence.h"

namespace snt::kernels {

// Whether cuDNN may have them: of one floating dtype on a CUDA device, dense,
// with elements, and nothing wants to see single operations.
bool are_for_cudnn(std::initializer_list<const at::Tensor*> tensors);

// lstm_step_by_step.
LstmResult lstm_by_libtorch(const LstmSequence& sequence);

// rnn_step_by_step.
at::Tensor rnn_by_libtorch(const RnnSequence& sequence);

// gru_step_by_step; the sequence must have `resets_after`.
at::Tensor gru_by_libtorch(const GruSequence& sequence);

}  // namespace snt::kernels
