#include "sonnet/recurrent/cell.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <vector>

#include "sonnet/core/errors.h"

namespace snt::detail {

void check_inputs(const Who& who, const at::Tensor& inputs, int64_t rank,
                  const Variable& w, at::ScalarType dtype) {
  snt::check(inputs.dim() == rank, who, "inputs must have rank ", rank,
             ", got shape ", inputs.sizes());
  if (w.is_built()) {
    snt::check(
        inputs.size(-1) == w.shape()[0], who,
        "the last dimension of inputs must be ", [&] { return w.shape()[0]; },
        " as on the first call, got shape ", inputs.sizes());
  } else {
    snt::check<TypeError>(inputs.scalar_type() == dtype, who,
                          "inputs must have dtype ", dtype, ", got ",
                          inputs.scalar_type());
  }
}

void check_state(const Who& who, const char* part, const at::Tensor& state,
                 at::IntArrayRef shape, const at::Tensor& inputs) {
  snt::check(state.defined(), who, part, " must be a tensor, got None");
  snt::check(state.sizes() == shape, who, part, " must have shape ", shape,
             ", got ", state.sizes());
  snt::check<TypeError>(state.scalar_type() == inputs.scalar_type(), who, part,
                        " must have dtype ", inputs.scalar_type(),
                        " like inputs, got ", state.scalar_type());
}

void check_dtype(const Who& who, const at::Tensor& inputs,
                 const at::Tensor& weight) {
  snt::check<TypeError>(inputs.scalar_type() == weight.scalar_type(), who,
                        "inputs must have dtype ", weight.scalar_type(),
                        ", got ", inputs.scalar_type());
}

at::Tensor zero_state(at::IntArrayRef shape, at::ScalarType dtype,
                      const Variable& w, std::optional<at::Device> device) {
  if (!device) device = w.is_built() ? w.device() : at::Device(at::kCPU);
  return at::zeros(shape, at::TensorOptions(*device).dtype(dtype));
}

bool varies_by_read(std::initializer_list<const Variable*> variables) {
  if (read_hook == nullptr) return false;
  return std::any_of(variables.begin(), variables.end(),
                     [](const Variable* variable) {
                       if (!variable->is_built()) return true;  // Who knows.
                       const at::Tensor first = variable->value();
                       return !first.is_same(variable->value());
                     });
}

at::Tensor last_state(const at::Tensor& y, const at::Tensor& initial_state,
                      const at::Tensor& sequence_length) {
  const at::Tensor last = y.select(0, -1);
  if (!sequence_length.defined()) return last.clone();
  return at::where(sequence_length.gt(0).unsqueeze(1), last, initial_state);
}

at::Tensor bias_with_forget(const Initializer& init, double forget_bias,
                            at::IntArrayRef shape, at::ScalarType dtype) {
  const at::Tensor start = init ? init(shape, dtype) : at::zeros(shape, dtype);
  if (start.sizes() != shape) return start;  // Refused by the Variable.
  std::vector<at::Tensor> parts = start.chunk(4);
  parts[1] = parts[1] + forget_bias;
  return at::cat(parts);
}

LSTMState lstm_step(const at::Tensor& gates, const at::Tensor& cell,
                    int64_t axis) {
  // i = input, f = forget, g = cell updates, o = output.
  const std::vector<at::Tensor> part = gates.chunk(4, axis);
  const at::Tensor i = at::sigmoid(part[0]);
  const at::Tensor f = at::sigmoid(part[1]);
  const at::Tensor g = at::tanh(part[2]);
  const at::Tensor o = at::sigmoid(part[3]);

  const at::Tensor next_cell = at::addcmul(f * cell, i, g);
  return {.hidden = o * at::tanh(next_cell), .cell = next_cell};
}

}  // namespace snt::detail
