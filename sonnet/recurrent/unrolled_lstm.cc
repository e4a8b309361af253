#include "sonnet/recurrent/unrolled_lstm.h"

#include <ATen/ATen.h>

#include <array>

#include "sonnet/core/errors.h"
#include "sonnet/core/half.h"
#include "sonnet/core/scope.h"
#include "sonnet/kernels/recurrent/lstm_sequence.h"
#include "sonnet/recurrent/cell.h"

namespace snt {
namespace {

using at::Tensor;

// All steps. Half types on a CPU are rounded once, at the end.
std::pair<Tensor, LSTMState> unroll(const Tensor& x, const LSTMState& state,
                                    const Tensor& w_i, const Tensor& w_h,
                                    const Tensor& b) {
  if (detail::is_half_on_cpu(x)) {
    const auto [y, last] =
        unroll(x.to(at::kFloat),
               {state.hidden.to(at::kFloat), state.cell.to(at::kFloat)},
               w_i.to(at::kFloat), w_h.to(at::kFloat), b.to(at::kFloat));
    const at::ScalarType dtype = x.scalar_type();
    return {y.to(dtype), {last.hidden.to(dtype), last.cell.to(dtype)}};
  }

  const kernels::LstmSequence all = {x, state.hidden, state.cell, w_i, w_h, b};
  const kernels::LstmResult result = kernels::takes_lstm(all)
                                         ? kernels::lstm_sequence(all)
                                         : kernels::lstm_step_by_step(all);
  return {result.y, {result.hidden, result.cell}};
}

}  // namespace

void UnrolledLSTM::check() const {
  snt::check(hidden_size >= 0, "UnrolledLSTM", "hidden_size must be >= 0, got ",
             hidden_size.value);
}

std::pair<Tensor, LSTMState> UnrolledLSTM::operator()(
    const Tensor& input_sequence, const LSTMState& initial_state) const {
  const Who who{"UnrolledLSTM", w_i};
  if (!w_i.is_built()) check();
  const Tensor& x = input_sequence;  // [T, B, input_size]
  detail::check_inputs(who, x, 3, w_i, dtype);
  snt::check(x.size(0) > 0, who,
             "input_sequence must have at least a single time step, got shape ",
             x.sizes());
  const std::array<int64_t, 2> shape = {x.size(1), hidden_size};
  detail::check_state(who, "initial_state.hidden", initial_state.hidden, shape,
                      x);
  detail::check_state(who, "initial_state.cell", initial_state.cell, shape, x);

  const name_scope scope("UnrolledLSTM", w_i);
  const auto [input_weight, hidden_weight, bias] =
      detail::lstm_weights(*this, who, x, hidden_size);

  return unroll(x, initial_state, input_weight, hidden_weight, bias);
}

LSTMState UnrolledLSTM::initial_state(int64_t batch_size,
                                      std::optional<at::Device> device) const {
  if (!w_i.is_built()) check();
  const at::Tensor zeros =
      detail::zero_state({batch_size, hidden_size}, dtype, w_i, device);
  return {.hidden = zeros, .cell = zeros.clone()};
}

}  // namespace snt
