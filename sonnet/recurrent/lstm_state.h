// File: recurrent/lstm_state.h
// The state of the LSTMs.

#pragma once

#include <ATen/core/Tensor.h>

namespace snt {

// What LSTM, UnrolledLSTM and the convolutional LSTMs carry from step to step.
//
//     snt::LSTMState state = snt::LSTM{4}.initial_state(2);
//     at::Tensor h = state.hidden;  // h: [2, 4]
struct LSTMState {
  at::Tensor hidden;  // What the last step gave as its output.
  at::Tensor cell;    // What it keeps to itself.
};

}  // namespace snt
