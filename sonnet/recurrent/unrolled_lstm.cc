#include "sonnet/recurrent/unrolled_lstm.h"

#include <ATen/ATen.h>

#include <array>
#include <cmath>
#include <vector>

#include "sonnet/core/errors.h"
#include "sonnet/core/half.h"
#include "sonnet/core/scope.h"
#include "sonnet/initializers/distributions.h"
#include "sonnet/layers/affine.h"
#include "sonnet/recurrent/cell.h"

namespace snt {
namespace {

using at::Tensor;

// All steps. Half types on a CPU are rounded once, at the end.
std::pair<Tensor, LSTMState> unroll(const Tensor& x, LSTMState state,
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

  std::vector<Tensor> outputs;
  for (const Tensor& gates : detail::affine(x, w_i, b).unbind()) {
    state = detail::lstm_step(at::addmm(gates, state.hidden, w_h), state.cell,
                              /*axis=*/1);
    outputs.push_back(state.hidden);
  }
  return {at::stack(outputs), state};  // [B, H] each -> [T, B, H]
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
  const auto usual = [](int64_t size) {
    return initializers::TruncatedNormal{
        .stddev = 1 / std::sqrt(static_cast<double>(size))};
  };
  const int64_t gates = 4 * hidden_size;
  const Tensor& input_weight =
      w_i.create({x.size(2), gates}, x, w_i_init, usual(x.size(2)));
  detail::check_dtype(who, x, input_weight);
  const Tensor& hidden_weight =
      w_h.create({hidden_size, gates}, x, w_h_init, usual(hidden_size));
  const Tensor& bias = b.create(
      {gates}, x, {}, [this](at::IntArrayRef size, at::ScalarType type) {
        return detail::bias_with_forget(b_init, forget_bias, size, type);
      });

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
