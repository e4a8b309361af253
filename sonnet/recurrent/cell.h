// File: recurrent/cell.h
// What the recurrent cores share; for .cc files of this library only.

#pragma once

#include <ATen/core/Tensor.h>

#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <optional>

#include "sonnet/core/initializer.h"
#include "sonnet/core/variable.h"
#include "sonnet/initializers/constant.h"
#include "sonnet/initializers/distributions.h"
#include "sonnet/initializers/variance_scaling.h"
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

// Whether reading one of these gives another tensor each time, as a
// custom_variable_getter does, so that every step must read it for itself.
bool varies_by_read(std::initializer_list<const Variable*> variables);

// The state [B, H] after all steps, where it is what the output y [T, B, H] was
// last, but for sequences of no steps; lengths [B] may be undefined.
at::Tensor last_state(const at::Tensor& y, const at::Tensor& initial_state,
                      const at::Tensor& sequence_length);

// The bias of an LSTM [4 n], made now: `init`, or zeros, with `forget_bias`
// added to the second quarter.
at::Tensor bias_with_forget(const Initializer& init, double forget_bias,
                            at::IntArrayRef shape, at::ScalarType dtype);

// The weights of a core.
struct CellWeights {
  const at::Tensor& w_i;  // [input_size, gates hidden_size]
  const at::Tensor& w_h;  // [size of h, gates hidden_size]
  const at::Tensor& b;    // [gates hidden_size]
};

// Those of an LSTM or UnrolledLSTM whose h has `output_size` numbers, created
// like `x` if this is the first call.
//
// Throws TypeError when x has another dtype than the variables.
template <class C>
CellWeights lstm_weights(const C& core, const Who& who, const at::Tensor& x,
                         int64_t output_size) {
  const auto usual = [](int64_t size) {
    return initializers::TruncatedNormal{
        .stddev = 1 / std::sqrt(static_cast<double>(size))};
  };
  const int64_t gates = 4 * core.hidden_size;
  const at::Tensor& w_i =
      core.w_i.create({x.size(-1), gates}, x, core.w_i_init, usual(x.size(-1)));
  check_dtype(who, x, w_i);
  const at::Tensor& w_h = core.w_h.create({output_size, gates}, x,
                                          core.w_h_init, usual(output_size));
  const at::Tensor& b = core.b.create(
      {gates}, x, {}, [&core](at::IntArrayRef shape, at::ScalarType dtype) {
        return bias_with_forget(core.b_init, core.forget_bias, shape, dtype);
      });
  return {w_i, w_h, b};
}

// The same for a GRU or CuDNNGRU.
template <class C>
CellWeights gru_weights(const C& core, const Who& who, const at::Tensor& x) {
  const int64_t gates = 3 * core.hidden_size;
  const at::Tensor& w_i = core.w_i.create({x.size(-1), gates}, x, core.w_i_init,
                                          initializers::glorot_uniform());
  check_dtype(who, x, w_i);
  const at::Tensor& w_h =
      core.w_h.create({core.hidden_size, gates}, x, core.w_h_init,
                      initializers::glorot_uniform());
  return {w_i, w_h,
          core.b.create({gates}, x, core.b_init, initializers::Zeros())};
}

// The equations of an LSTM behind the matrix products, with the gates i, f, g
// and o in equal parts along `axis`:
//
//   c = sigmoid(f) cell + sigmoid(i) tanh(g)
//   h = sigmoid(o) tanh(c)
LSTMState lstm_step(const at::Tensor& gates, const at::Tensor& cell,
                    int64_t axis);

}  // namespace snt::detail
