#include "sonnet/recurrent/gru.h"

#include <ATen/ATen.h>

#include "sonnet/core/errors.h"
#include "sonnet/core/half.h"
#include "sonnet/core/scope.h"
#include "sonnet/initializers/constant.h"
#include "sonnet/initializers/variance_scaling.h"
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
  const int64_t gates = 3 * hidden_size;
  const at::Tensor& input_weight =
      w_i.create({inputs.size(1), gates}, inputs, w_i_init,
                 initializers::glorot_uniform());
  detail::check_dtype(who, inputs, input_weight);
  const at::Tensor& hidden_weight = w_h.create(
      {hidden_size, gates}, inputs, w_h_init, initializers::glorot_uniform());
  const at::Tensor& bias =
      b.create({gates}, inputs, b_init, initializers::Zeros());

  const at::Tensor next =
      gru_cell(inputs, prev_state, input_weight, hidden_weight, bias);
  return {next, next};
}

at::Tensor GRU::initial_state(int64_t batch_size,
                              std::optional<at::Device> device) const {
  if (!w_i.is_built()) check();
  return detail::zero_state({batch_size, hidden_size}, dtype, w_i, device);
}

}  // namespace snt
