#include "sonnet/recurrent/vanilla_rnn.h"

#include <ATen/ATen.h>

#include <vector>

#include "sonnet/core/errors.h"
#include "sonnet/core/half.h"
#include "sonnet/core/scope.h"
#include "sonnet/initializers/constant.h"
#include "sonnet/recurrent/cell.h"

namespace snt {

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

at::Tensor VanillaRNN::initial_state(int64_t batch_size,
                                     std::optional<at::Device> device) const {
  if (!b.is_built()) check();
  return detail::zero_state({batch_size, hidden_size}, dtype, b, device);
}

}  // namespace snt
