#include "sonnet/recurrent/unroll.h"

#include <ATen/ATen.h>

#include "sonnet/core/errors.h"

namespace snt::detail {

at::Tensor zeros_like(const at::Tensor& tensor) {
  return at::zeros_like(tensor);
}

Unroll::Unroll(const char* who, const std::vector<at::Tensor>& input_sequence,
               const at::Tensor& sequence_length)
    : who_(who) {
  check(!input_sequence.empty(), who,
        "input_sequence must have at least one tensor");
  for (const at::Tensor& leaf : input_sequence) {
    check(leaf.dim() >= 1, who,
          "input_sequence must be of shape [time, batch, ...], got a tensor "
          "without dimensions");
    check(leaf.size(0) == input_sequence[0].size(0), who,
          "input_sequence tensors must have consistent number of time steps, "
          "got ",
          input_sequence[0].size(0), " and ", leaf.size(0));
  }
  num_steps_ = input_sequence[0].size(0);
  check(num_steps_ > 0, who,
        "input_sequence must have at least a single time step");
  sequences_ = input_sequence;

  shortest_ = num_steps_;
  if (!sequence_length.defined()) return;
  check<TypeError>(
      at::isIntegralType(sequence_length.scalar_type(), /*includeBool=*/false),
      who, "sequence_length must be integers, got ",
      sequence_length.scalar_type());
  check(sequence_length.dim() <= 1, who,
        "sequence_length must have shape [batch], got ",
        sequence_length.sizes());
  at::Tensor length = sequence_length.to(input_sequence[0].device());
  if (length.dim() == 0) {  // One for all.
    check(input_sequence[0].dim() >= 2, who,
          "sequence_length without dimensions needs an input_sequence of shape "
          "[time, batch, ...], got ",
          input_sequence[0].sizes());
    length = length.expand({input_sequence[0].size(1)});
  }
  check(input_sequence[0].dim() < 2 ||
            length.size(0) == input_sequence[0].size(1),
        who, "sequence_length must have shape [batch], got ", length.sizes(),
        " for an input_sequence of shape ", input_sequence[0].sizes());
  shortest_ = 0;
  if (length.is_cpu() && length.numel() > 0) {  // Elsewhere it would wait.
    shortest_ = length.min().item<int64_t>();
  }
  lengths_ = length.to(at::kLong, /*non_blocking=*/false, /*copy=*/true);
}

std::vector<at::Tensor> Unroll::input(int64_t t) {
  // One node of the graph for all steps: a select each would make the backward
  // pass add T gradients of the size of the sequence.
  if (inputs_.empty()) {
    for (const at::Tensor& leaf : sequences_) {
      inputs_.push_back(leaf.unbind(0));
    }
  }
  std::vector<at::Tensor> leaves;
  leaves.reserve(inputs_.size());
  for (const auto& steps : inputs_) leaves.push_back(steps[t]);
  return leaves;
}

at::Tensor hold_back(const at::Tensor& sequence_length,
                     const at::Tensor& outputs) {
  if (!sequence_length.defined() || outputs.dim() < 2) return outputs;
  const int64_t steps = outputs.size(0);
  std::vector<int64_t> shape(outputs.dim(), 1);  // [1, B, 1, ...]
  shape[1] = outputs.size(1);
  const at::Tensor length = sequence_length.to(at::kLong).view(shape);
  std::vector<int64_t> one = outputs.sizes().vec();
  one[0] = 1;
  const at::Tensor last =
      outputs.gather(0, (length - 1).clamp(0, steps - 1).expand(one));
  shape[1] = 1;
  shape[0] = steps;
  const at::Tensor t = at::arange(steps, length.options()).view(shape);
  return at::where(
      t.lt(length), outputs,
      at::where(length.gt(0), last, at::zeros({}, last.options())));
}

void Unroll::keep(std::vector<at::Tensor> output) {
  check(kept_.empty() || output.size() == kept_[0].size(), who_,
        "the core must give outputs of one structure, got ", output.size(),
        " tensors after ", kept_.empty() ? 0 : kept_[0].size());
  kept_.push_back(std::move(output));
}

std::vector<at::Tensor> Unroll::outputs() const {
  std::vector<at::Tensor> stacked;
  for (size_t leaf = 0; leaf < kept_[0].size(); ++leaf) {
    std::vector<at::Tensor> steps;
    for (const auto& output : kept_) {
      check(output[leaf].sizes() == kept_[0][leaf].sizes(), who_,
            "the core must give outputs of one shape, got ",
            kept_[0][leaf].sizes(), " and ", output[leaf].sizes());
      steps.push_back(output[leaf]);
    }
    stacked.push_back(at::stack(steps));
  }
  return stacked;
}

}  // namespace snt::detail
