#include "sonnet/recurrent/cudnn_gru.h"

#include <ATen/ATen.h>

#include "sonnet/core/errors.h"
#include "sonnet/core/half.h"
#include "sonnet/core/scope.h"
#include "sonnet/kernels/recurrent/gru_sequence.h"
#include "sonnet/recurrent/cell.h"

namespace snt {
namespace {

// The outputs of all steps [T, B, H]. Half types on a CPU are rounded once, at
// the end.
at::Tensor unroll(const at::Tensor& x, const at::Tensor& h,
                  const at::Tensor& w_i, const at::Tensor& w_h,
                  const at::Tensor& b) {
  if (detail::is_half_on_cpu(x)) {
    return unroll(x.to(at::kFloat), h.to(at::kFloat), w_i.to(at::kFloat),
                  w_h.to(at::kFloat), b.to(at::kFloat))
        .to(x.scalar_type());
  }

  const kernels::GruSequence all = {.x = x,
                                    .hidden = h,
                                    .w_i = w_i,
                                    .w_h = w_h,
                                    .b = b,
                                    .resets_after = true};
  return kernels::takes_gru(all) ? kernels::gru_sequence(all)
                                 : kernels::gru_step_by_step(all);
}

}  // namespace

void CuDNNGRU::check() const {
  snt::check(hidden_size >= 0, "CuDNNGRU", "hidden_size must be >= 0, got ",
             hidden_size.value);
}

std::pair<at::Tensor, at::Tensor> CuDNNGRU::operator()(
    const at::Tensor& inputs, const at::Tensor& prev_state) const {
  const Who who{"CuDNNGRU", w_i};
  if (!w_i.is_built()) check();
  detail::check_inputs(who, inputs, 3, w_i, dtype);
  snt::check(inputs.size(0) > 0, who,
             "inputs must have at least a single time step, got shape ",
             inputs.sizes());
  detail::check_state(who, "prev_state", prev_state,
                      {inputs.size(1), hidden_size}, inputs);

  const name_scope scope("CuDNNGRU", w_i);
  const auto [input_weight, hidden_weight, bias] =
      detail::gru_weights(*this, who, inputs);

  const at::Tensor outputs =
      unroll(inputs, prev_state, input_weight, hidden_weight, bias);
  return {outputs, outputs.slice(0, -1)};
}

at::Tensor CuDNNGRU::initial_state(int64_t batch_size,
                                   std::optional<at::Device> device) const {
  if (!w_i.is_built()) check();
  return detail::zero_state({batch_size, hidden_size}, dtype, w_i, device);
}

}  // namespace snt
