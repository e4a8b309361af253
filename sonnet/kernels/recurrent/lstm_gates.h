// File: kernels/recurrent/lstm_gates.h
// What an LSTM does with its gates, in one pass over memory: for cores whose
// products are not those of matrices.

#pragma once

#include <ATen/core/Tensor.h>

#include <utility>

namespace snt::kernels {

// Whether `lstm_gates` takes these: plain contiguous float32 tensors on a CPU.
bool takes_lstm_gates(const at::Tensor& from_x, const at::Tensor& from_h,
                      const at::Tensor& bias, const at::Tensor& cell);

// h and c of the equations of recurrent/lstm.h, where the gates i, f, g, o are
// parts of from_x + from_h + bias:
//
//   c = sigmoid(f) cell + sigmoid(i) tanh(g),  h = sigmoid(o) tanh(c)
//
//   from_x, from_h  [..., 4 H]   bias  [4 H]   cell, h, c  [..., H]
std::pair<at::Tensor, at::Tensor> lstm_gates(const at::Tensor& from_x,
                                             const at::Tensor& from_h,
                                             const at::Tensor& bias,
                                             const at::Tensor& cell);

}  // namespace snt::kernels
