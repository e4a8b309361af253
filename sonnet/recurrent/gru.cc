#include "sonnet/recurrent/gru.h"

#include <ATen/ATen.h>

#include <array>

#include "sonnet/core/errors.h"
#include "sonnet/core/half.h"
#include "sonnet/core/scope.h"
#include "sonnet/kernels/recurrent/gru_sequence.h"
#include "sonnet/kernels/recurrent/recurrent_sequence.h"
#include "sonnet/recurrent/cell.h"

namespace snt {
namespace {

at::Tensor gru_cell(const at::Tensor& x, const at::Tensor& h,
                    const at::Tensor& w_i, const at::Tensor& w_h,
                    const at::Tensor& b) {
  if (detail::is_half_on_cpu(x)) {
    return gru_cell(x.to(at::kFloat), h.to(at::kFloat), w_i.to(at::kFloat),
                    w_h.to(at::kFloat), b.to(at::kFloat))
        .to(x.scalar_type());
  }

  const int64_t size = h.size(1);
  const auto from_x =
      at::addmm(b, x, w_i).split_with_sizes({2 * size, size}, 1);
  const auto weight = w_h.split_with_sizes({2 * size, size}, 1);
  const auto zr = at::sigmoid(at::addmm(from_x[0], h, weight[0])).chunk(2, 1);
  const at::Tensor& z = zr[0];
  const at::Tensor& r = zr[1];
  const at::Tensor a = at::tanh(at::addmm(from_x[1], r * h, weight[1]));
  return at::lerp(h, a, z);  // (1 - z) h + z a
}

}  // namespace

void GRU::check() const {
  snt::check(hidden_size >= 0, "GRU", "hidden_size must be >= 0, got ",
             hidden_size.value);
}

std::pair<at::Tensor, at::Tensor> GRU::operator()(
    const at::Tensor& inputs, const at::Tensor& prev_state) const {
  const Who who{"GRU", w_i};
  if (!w_i.is_built()) check();
  detail::check_inputs(who, inputs, 2, w_i, dtype);
  detail::check_state(who, "prev_state", prev_state,
                      {inputs.size(0), hidden_size}, inputs);

  const name_scope scope("GRU", w_i);
  const auto [input_weight, hidden_weight, bias] =
      detail::gru_weights(*this, who, inputs);

  const at::Tensor next =
      gru_cell(inputs, prev_state, input_weight, hidden_weight, bias);
  return {next, next};
}

std::optional<std::pair<at::Tensor, at::Tensor>> GRU::unroll_(
    const at::Tensor& input_sequence, const at::Tensor& initial_state,
    const at::Tensor& sequence_length) const {
  const at::Tensor& x = input_sequence;
  if (dtype != at::kFloat || !x.is_cpu() || x.dim() != 3 ||
      !kernels::takes_sequence({&x, &initial_state}, sequence_length) ||
      detail::varies_by_read({&w_i, &w_h, &b})) {
    return std::nullopt;
  }
  const std::array<int64_t, 2> shape = {x.size(1), hidden_size};
  const bool fits = !w_i.is_built() || w_i.shape()[0] == x.size(2);
  if (!fits || initial_state.sizes() != shape) {
    return std::nullopt;  // To be refused step by step.
  }

  const name_scope scope("GRU", w_i);
  const auto [w_x, w_hidden, bias] =
      detail::gru_weights(*this, Who{"GRU", w_i}, x);
  const kernels::GruSequence all = {x,        initial_state, w_x,
                                    w_hidden, bias,          sequence_length};
  if (!kernels::takes_gru(all)) return std::nullopt;

  const at::Tensor y = kernels::gru_sequence(all);
  return std::pair(y, detail::last_state(y, initial_state, sequence_length));
}

at::Tensor GRU::initial_state(int64_t batch_size,
                              std::optional<at::Device> device) const {
  if (!w_i.is_built()) check();
  return detail::zero_state({batch_size, hidden_size}, dtype, w_i, device);
}

}  // namespace snt
