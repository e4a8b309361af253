#include "sonnet/recurrent/lstm.h"

#include <ATen/ATen.h>

#include <array>
#include <cmath>

#include "sonnet/core/errors.h"
#include "sonnet/core/half.h"
#include "sonnet/core/scope.h"
#include "sonnet/initializers/distributions.h"
#include "sonnet/kernels/recurrent/lstm_sequence.h"
#include "sonnet/kernels/recurrent/recurrent_sequence.h"
#include "sonnet/recurrent/cell.h"

namespace snt {
namespace {

// One step; `projection` may be undefined.
LSTMState lstm_cell(const at::Tensor& x, const LSTMState& state,
                    const at::Tensor& w_i, const at::Tensor& w_h,
                    const at::Tensor& b, const at::Tensor& projection) {
  if (detail::is_half_on_cpu(x)) {
    const auto exact = [](const at::Tensor& t) {
      return t.defined() ? t.to(at::kFloat) : t;
    };
    const LSTMState next =
        lstm_cell(exact(x), {exact(state.hidden), exact(state.cell)},
                  exact(w_i), exact(w_h), exact(b), exact(projection));
    return {next.hidden.to(x.scalar_type()), next.cell.to(x.scalar_type())};
  }

  const at::Tensor gates = at::addmm(at::addmm(b, x, w_i), state.hidden, w_h);
  LSTMState next = detail::lstm_step(gates, state.cell, /*axis=*/1);
  if (projection.defined()) next.hidden = at::mm(next.hidden, projection);
  return next;
}

}  // namespace

void LSTM::check() const {
  snt::check(hidden_size >= 0, "LSTM", "hidden_size must be >= 0, got ",
             hidden_size.value);
  snt::check(projection_size.value_or(1) > 0, "LSTM",
             "projection_size must be > 0, got ", projection_size.value_or(1));
  snt::check(projection_size.has_value() || !projection_init, "LSTM",
             "projection_init must be None when projection is not used");
}

std::pair<at::Tensor, LSTMState> LSTM::operator()(
    const at::Tensor& inputs, const LSTMState& prev_state) const {
  const Who who{"LSTM", w_i};
  if (!w_i.is_built()) check();
  detail::check_inputs(who, inputs, 2, w_i, dtype);
  const int64_t batch = inputs.size(0);
  const int64_t output_size = projection_size.value_or(hidden_size);
  detail::check_state(who, "prev_state.hidden", prev_state.hidden,
                      {batch, output_size}, inputs);
  detail::check_state(who, "prev_state.cell", prev_state.cell,
                      {batch, hidden_size}, inputs);

  const name_scope scope("LSTM", w_i);
  const auto [input_weight, hidden_weight, bias] =
      detail::lstm_weights(*this, who, inputs, output_size);
  at::Tensor project;
  if (projection_size) {
    project = projection.create(
        {hidden_size, output_size}, inputs, projection_init,
        initializers::TruncatedNormal{
            .stddev = 1 / std::sqrt(static_cast<double>(hidden_size))});
  } else {
    projection.omit();
  }

  const LSTMState next =
      lstm_cell(inputs, prev_state, input_weight, hidden_weight, bias, project);
  return {next.hidden, next};
}

std::optional<std::pair<at::Tensor, LSTMState>> LSTM::unroll_(
    const at::Tensor& input_sequence, const LSTMState& initial_state,
    const at::Tensor& sequence_length) const {
  const at::Tensor& x = input_sequence;
  const auto& [hidden, cell] = initial_state;
  if (projection_size || projection_init || x.scalar_type() != dtype ||
      x.dim() != 3 ||
      !kernels::takes_sequence({&x, &hidden, &cell}, sequence_length) ||
      detail::varies_by_read({&w_i, &w_h, &b})) {
    return std::nullopt;
  }
  const std::array<int64_t, 2> shape = {x.size(1), hidden_size};
  const bool fits = !w_i.is_built() || w_i.shape()[0] == x.size(2);
  if (!fits || hidden.sizes() != shape || cell.sizes() != shape) {
    return std::nullopt;  // To be refused step by step.
  }

  const name_scope scope("LSTM", w_i);
  const auto [w_x, w_hidden, bias] =
      detail::lstm_weights(*this, Who{"LSTM", w_i}, x, hidden_size);
  projection.omit();
  const kernels::LstmSequence all = {x,        hidden, cell,           w_x,
                                     w_hidden, bias,   sequence_length};
  if (!kernels::takes_lstm(all)) return std::nullopt;

  const kernels::LstmResult result = kernels::lstm_sequence(all);
  return std::pair(result.y, LSTMState{result.hidden, result.cell});
}

LSTMState LSTM::initial_state(int64_t batch_size,
                              std::optional<at::Device> device) const {
  if (!w_i.is_built()) check();
  const int64_t output_size = projection_size.value_or(hidden_size);
  return {.hidden =
              detail::zero_state({batch_size, output_size}, dtype, w_i, device),
          .cell = detail::zero_state({batch_size, hidden_size}, dtype, w_i,
                                     device)};
}

}  // namespace snt
