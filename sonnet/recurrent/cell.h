// File: recurrent/cell.h
// What the recurrent cores share; for .cc files of this library only.

#pragma once

#include <ATen/core/Tensor.h>

#include <optional>

#include "sonnet/core/initializer.h"
#include "sonnet/core/variable.h"
#include "sonnet/recurrent/lstm_state.h"

namespace snt::detail {

// Checks inputs [..., input_size] before the variables are made, of which `w`
// [input_size, ...] is one: their rank, and on the first call the dtype, later
// the last dimension.
//
// Throws ValueError or TypeError in Sonnet's words.
void check_inputs(const Who& who, const at::Tensor& inputs, int64_t rank,
                  const Variable& w, at::ScalarType dtype);

// Checks that a part of the state has the given shape and the dtype of inputs.
//
// Throws ValueError or TypeError with the name of the part.
void check_state(const Who& who, const char* part, const at::Tensor& state,
                 at::IntArrayRef shape, const at::Tensor& inputs);

// Checks that inputs have the dtype of the variables.
//
// Throws TypeError in Sonnet's words.
void check_dtype(const Who& who, const at::Tensor& inputs,
                 const at::Tensor& weight);

// Zeros for an initial state, on `device` or else that of `w`, or else the CPU.
at::Tensor zero_state(at::IntArrayRef shape, at::ScalarType dtype,
                      const Variable& w, std::optional<at::Device> device);

// The bias of an LSTM [4 n], made now: `init`, or zeros, with `forget_bias`
// added to the second quarter.
at::Tensor bias_with_forget(const Initializer& init, double forget_bias,
                            at::IntArrayRef shape, at::ScalarType dtype);

// The equations of an LSTM behind the matrix products, with the gates i, f, g
// and o in equal parts along `axis`:
//
//   c = sigmoid(f) cell + sigmoid(i) tanh(g)
//   h = sigmoid(o) tanh(c)
LSTMState lstm_step(const at::Tensor& gates, const at::Tensor& cell,
                    int64_t axis);

}  // namespace snt::detail
