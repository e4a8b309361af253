#include "sonnet/recurrent/conv_lstm.h"

#include <ATen/ATen.h>

#include <vector>

#include "sonnet/core/errors.h"
#include "sonnet/core/half.h"
#include "sonnet/core/scope.h"
#include "sonnet/kernels/recurrent/lstm_gates.h"
#include "sonnet/layers/data_format.h"
#include "sonnet/recurrent/cell.h"

namespace snt {
namespace {

// The dimension of the channels, counted from the end.
template <class Core>
int64_t channel_axis(const Core& core) {
  const auto rank = static_cast<int64_t>(core.input_shape.value.size()) + 1;
  return utils::is_channels_first(core.data_format) ? 1 - rank : -1;
}

template <class Core>
void check_options(const Core& core, const char* type, size_t spatial_dims) {
  check(core.input_shape.value.size() == spatial_dims + 1, type,
        "input_shape must have ", spatial_dims + 1,
        " numbers (without the batch), got ", core.input_shape.value);
  check(core.output_channels > 0, type, "output_channels must be > 0, got ",
        core.output_channels.value);
  core.input_to_hidden.check();
}

template <class Core>
std::pair<at::Tensor, LSTMState> step(const Core& core, const char* type,
                                      const at::Tensor& inputs,
                                      const LSTMState& prev_state) {
  const Who who{type, core.b};
  if (!core.b.is_built()) {
    core.check();
    check<TypeError>(inputs.scalar_type() == core.dtype, who,
                     "inputs must have dtype ", core.dtype, ", got ",
                     inputs.scalar_type());
  }
  const size_t rank = core.input_shape.value.size() + 1;
  check(static_cast<size_t>(inputs.dim()) == rank, who,
        "inputs must have rank ", rank, ", got shape ", inputs.sizes());
  const int64_t axis = channel_axis(core);
  std::vector<int64_t> shape = inputs.sizes().vec();
  shape[shape.size() + axis] = core.output_channels;
  detail::check_state(who, "prev_state.hidden", prev_state.hidden, shape,
                      inputs);
  detail::check_state(who, "prev_state.cell", prev_state.cell, shape, inputs);

  const name_scope scope(type, core.b);
  const int64_t gates = 4 * core.output_channels;
  at::Tensor bias = core.b.create(
      {gates}, inputs, {}, [&](at::IntArrayRef size, at::ScalarType dtype) {
        return detail::bias_with_forget(core.b_init, core.forget_bias, size,
                                        dtype);
      });
  detail::check_dtype(who, inputs, bias);

  const at::Tensor from_x = core.input_to_hidden(inputs);
  const at::Tensor from_h = core.hidden_to_hidden(prev_state.hidden);
  if (axis == -1 &&
      kernels::takes_lstm_gates(from_x, from_h, bias, prev_state.cell)) {
    const auto [h, c] =
        kernels::lstm_gates(from_x, from_h, bias, prev_state.cell);
    return {h, {h, c}};
  }
  bias =
      bias.view(detail::channel_shape(gates, inputs.dim(), core.data_format));
  if (detail::is_half_on_cpu(inputs)) {
    const LSTMState next = detail::lstm_step(
        from_x.to(at::kFloat) + from_h.to(at::kFloat) + bias.to(at::kFloat),
        prev_state.cell.to(at::kFloat), axis);
    const LSTMState rounded = {next.hidden.to(inputs.scalar_type()),
                               next.cell.to(inputs.scalar_type())};
    return {rounded.hidden, rounded};
  }
  const LSTMState next =
      detail::lstm_step(from_x + from_h + bias, prev_state.cell, axis);
  return {next.hidden, next};
}

template <class Core>
LSTMState zeros(const Core& core, int64_t batch_size,
                std::optional<at::Device> device) {
  if (!core.b.is_built()) core.check();
  std::vector<int64_t> shape = core.input_shape;
  shape.insert(shape.begin(), batch_size);
  shape[shape.size() + channel_axis(core)] = core.output_channels;
  return {detail::zero_state(shape, core.dtype, core.b, device),
          detail::zero_state(shape, core.dtype, core.b, device)};
}

}  // namespace

void Conv1DLSTM::check() const { check_options(*this, "Conv1DLSTM", 1); }
std::pair<at::Tensor, LSTMState> Conv1DLSTM::operator()(
    const at::Tensor& inputs, const LSTMState& prev_state) const {
  return step(*this, "Conv1DLSTM", inputs, prev_state);
}
LSTMState Conv1DLSTM::initial_state(int64_t batch_size,
                                    std::optional<at::Device> device) const {
  return zeros(*this, batch_size, device);
}

void Conv2DLSTM::check() const { check_options(*this, "Conv2DLSTM", 2); }
std::pair<at::Tensor, LSTMState> Conv2DLSTM::operator()(
    const at::Tensor& inputs, const LSTMState& prev_state) const {
  return step(*this, "Conv2DLSTM", inputs, prev_state);
}
LSTMState Conv2DLSTM::initial_state(int64_t batch_size,
                                    std::optional<at::Device> device) const {
  return zeros(*this, batch_size, device);
}

void Conv3DLSTM::check() const { check_options(*this, "Conv3DLSTM", 3); }
std::pair<at::Tensor, LSTMState> Conv3DLSTM::operator()(
    const at::Tensor& inputs, const LSTMState& prev_state) const {
  return step(*this, "Conv3DLSTM", inputs, prev_state);
}
LSTMState Conv3DLSTM::initial_state(int64_t batch_size,
                                    std::optional<at::Device> device) const {
  return zeros(*this, batch_size, device);
}

}  // namespace snt
