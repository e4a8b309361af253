#include "sonnet/recurrent/vanilla_rnn.h"

#include <ATen/ATen.h>

#include <array>
#include <vector>

#include "sonnet/core/errors.h"
#include "sonnet/core/half.h"
#include "sonnet/core/scope.h"
#include "sonnet/initializers/constant.h"
#include "sonnet/kernels/recurrent/recurrent_sequence.h"
#include "sonnet/kernels/recurrent/rnn_sequence.h"
#include "sonnet/recurrent/cell.h"

namespace snt {
namespace {

// Whether it is relu, or tanh; nothing for all others.
std::optional<bool> relu_or_tanh(const Activation& activation) {
  const auto* named = activation.get_if<NamedFunction>();
  if (named == nullptr) return std::nullopt;
  if (named->function == activations::relu.function) return true;
  if (named->function == activations::tanh.function) return false;
  return std::nullopt;
}

}  // namespace

void VanillaRNN::check() const {
  snt::check(hidden_size >= 0, "VanillaRNN", "hidden_size must be >= 0, got ",
             hidden_size.value);
  snt::check(static_cast<bool>(activation), "VanillaRNN",
             "activation must be a function, got None");
}

std::pair<at::Tensor, at::Tensor> VanillaRNN::operator()(
    const at::Tensor& inputs, const at::Tensor& prev_state) const {
  const Who who{"VanillaRNN", b};
  if (!b.is_built()) check();
  snt::check(inputs.dim() >= 2, who, "inputs must have rank >= 2, got shape ",
             inputs.sizes());
  detail::check_inputs(who, inputs, inputs.dim(), input_to_hidden.w, dtype);
  std::vector<int64_t> shape = inputs.sizes().vec();
  shape.back() = hidden_size;
  detail::check_state(who, "prev_state", prev_state, shape, inputs);

  const name_scope scope("VanillaRNN", b);
  const at::Tensor& bias =
      b.create({hidden_size}, inputs, b_init, initializers::Zeros());
  detail::check_dtype(who, inputs, bias);

  at::Tensor sum = input_to_hidden(inputs) + hidden_to_hidden(prev_state);
  if (detail::is_half_on_cpu(inputs)) {
    sum = (sum.to(at::kFloat) + bias.to(at::kFloat)).to(sum.scalar_type());
  } else {
    sum = sum + bias;
  }
  const at::Tensor outputs = activation(sum);
  return {outputs, outputs};
}

std::optional<std::pair<at::Tensor, at::Tensor>> VanillaRNN::unroll_(
    const at::Tensor& input_sequence, const at::Tensor& initial_state,
    const at::Tensor& sequence_length) const {
  const at::Tensor& x = input_sequence;
  const Variable& w_x = input_to_hidden.w;
  const Variable& w_hidden = hidden_to_hidden.w;
  const std::optional<bool> is_relu = relu_or_tanh(activation);
  // A first step creates the variables.
  if (!is_relu || x.dim() != 3 || !b.is_built() || !w_x.is_built() ||
      !w_hidden.is_built() || input_to_hidden.with_bias ||
      hidden_to_hidden.with_bias ||
      !kernels::takes_sequence({&x, &initial_state}, sequence_length) ||
      detail::varies_by_read({&w_x, &w_hidden, &b})) {
    return std::nullopt;
  }
  const std::array<int64_t, 2> shape = {x.size(1), hidden_size};
  if (initial_state.sizes() != shape || w_x.shape()[0] != x.size(2)) {
    return std::nullopt;  // To be refused step by step.
  }

  const name_scope scope("VanillaRNN", b);
  const kernels::RnnSequence all = {
      x,         initial_state, w_x.value(),    w_hidden.value(),
      b.value(), *is_relu,      sequence_length};
  if (!kernels::takes_rnn(all)) return std::nullopt;

  const at::Tensor y = kernels::rnn_sequence(all);
  return std::pair(y, detail::last_state(y, initial_state, sequence_length));
}

at::Tensor VanillaRNN::initial_state(int64_t batch_size,
                                     std::optional<at::Device> device) const {
  if (!b.is_built()) check();
  return detail::zero_state({batch_size, hidden_size}, dtype, b, device);
}

}  // namespace snt
