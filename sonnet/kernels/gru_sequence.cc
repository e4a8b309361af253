#include "sonnet/kernels/gru_sequence.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <array>
#include <vector>

#include "sonnet/kernels/differentiable_gradients.h"
#include "sonnet/kernels/gru_loops.h"
#include "sonnet/kernels/panels.h"
#include "sonnet/kernels/plain.h"
#include "sonnet/kernels/recurrent_sequence.h"

namespace snt::kernels {
namespace {

using at::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// What the backward pass needs besides the arguments.
struct GruKept {
  Tensor gates, states;
};

Tensor run_forward(const GruSequence& s, bool keeps, GruKept& kept) {
  const int64_t steps = s.x.size(0), batch = s.x.size(1);
  const int64_t hidden = s.hidden.size(1);
  const int64_t padded = round_up(hidden, 2 * vector_width());
  const Tensor x = as_rows(s.x), h = as_rows(s.hidden);
  const auto gates = [&](int64_t first, int64_t last) -> std::vector<Tensor> {
    return {s.w_i.slice(1, first * hidden, last * hidden),
            s.w_h.slice(1, first * hidden, last * hidden)};
  };
  const Panels zr_panels = Panels::of_gates(gates(0, 2), /*gates=*/2);
  const Panels a_panels = Panels::of_columns(gates(2, 3));
  const Tensor bias = padded_bias(s.b, /*gates=*/3, padded);
  const Tensor y = at::empty({steps, batch, hidden}, h.options());
  if (keeps) {
    kept.gates = at::empty({steps, batch, 3 * padded}, h.options());
    kept.states = at::empty({steps, batch, hidden}, h.options());
  }

  const GruForward all = {.steps = steps,
                          .batch = batch,
                          .inputs = x.size(2),
                          .hidden = hidden,
                          .padded = padded,
                          .x = Rows(x),
                          .h_first = Rows(h),
                          .bias = bias.data_ptr<float>(),
                          .zr_panels = zr_panels.data(),
                          .a_panels = a_panels.data(),
                          .y = y.data_ptr<float>(),
                          .gates = elements_or_null(kept.gates),
                          .states = elements_or_null(kept.states)};
  Shares(batch).for_each([&](const Share& share) { gru_forward(all, share); });
  return y;
}

struct Gru : torch::autograd::Function<Gru> {
  static Tensor forward(AutogradContext* context, const Tensor& x,
                        const Tensor& hidden, const Tensor& w_i,
                        const Tensor& w_h, const Tensor& b) {
    GruKept kept;
    const Tensor y =
        run_forward({x, hidden, w_i, w_h, b}, /*keeps=*/true, kept);
    context->save_for_backward(
        {x, hidden, w_i, w_h, b, kept.gates, kept.states});
    return y;
  }

  static variable_list backward(AutogradContext* context,
                                const variable_list& d) {
    const variable_list saved = context->get_saved_variables();
    if (at::GradMode::is_enabled()) {  // create_graph
      return differentiable_gradients(
          [](const variable_list& all) -> variable_list {
            return {gru_step_by_step({all[0], all[1], all[2], all[3], all[4]})};
          },
          {saved.begin(), saved.begin() + 5}, d);
    }

    std::array<bool, 5> wanted;
    for (size_t i = 0; i < 5; ++i) wanted[i] = context->needs_input_grad(i);
    return gradients(saved, d[0], wanted);
  }

  // The gradients that are wanted.
  static variable_list gradients(const variable_list& saved, const Tensor& d,
                                 const std::array<bool, 5>& wanted) {
    const Tensor &x = saved[0], &w_i = saved[2], &w_h = saved[3];
    const Tensor &gates = saved[5], &states = saved[6];
    const int64_t steps = x.size(0), batch = x.size(1), inputs = x.size(2);
    const int64_t hidden = w_h.size(0), padded = gates.size(2) / 3;
    const Tensor dy = as_rows(d);
    const Panels zr_panels =
        Panels::of_columns({w_h.slice(1, 0, 2 * hidden).t()});
    const Panels a_panels = Panels::of_columns({w_h.slice(1, 2 * hidden).t()});
    const Panels x_panels =
        wanted[0] ? Panels::of_columns({w_i.t()}) : Panels();
    const auto made = [&](bool is_wanted, at::IntArrayRef shape) {
      return is_wanted ? at::empty(shape, gates.options()) : Tensor();
    };
    const Tensor dgates = made(true, {steps, batch, 3 * hidden});
    const Tensor resets = made(true, {steps, batch, hidden});
    const Tensor dx = made(wanted[0], {steps, batch, inputs});
    const Tensor dh_first = made(wanted[1], {batch, hidden});

    const GruBackward all = {.steps = steps,
                             .batch = batch,
                             .inputs = inputs,
                             .hidden = hidden,
                             .padded = padded,
                             .gates = gates.data_ptr<float>(),
                             .states = states.data_ptr<float>(),
                             .zr_panels = zr_panels.data(),
                             .a_panels = a_panels.data(),
                             .x_panels = x_panels.data(),
                             .dy = Rows(dy),
                             .dh_last = {},
                             .dgates = dgates.data_ptr<float>(),
                             .resets = resets.data_ptr<float>(),
                             .dx = elements_or_null(dx),
                             .dh_first = elements_or_null(dh_first)};
    const Shares shares(batch);
    BiasShares dbias(shares, 3, padded);
    shares.for_each(
        [&](const Share& share) { gru_backward(all, share, dbias.of(share)); });

    const Tensor dw_i = made(wanted[2], {inputs, 3 * hidden});
    const Tensor dw_h = made(wanted[3], {hidden, 3 * hidden});
    const Tensor d_flat = dgates.flatten(0, 1);  // [T * B, 3 H]
    if (wanted[2]) {
      transposed_product(x.contiguous().flatten(0, 1), d_flat, dw_i);
    }
    if (wanted[3]) {
      transposed_product(states.flatten(0, 1), d_flat.slice(1, 0, 2 * hidden),
                         dw_h.slice(1, 0, 2 * hidden));
      transposed_product(resets.flatten(0, 1), d_flat.slice(1, 2 * hidden),
                         dw_h.slice(1, 2 * hidden));
    }
    return {dx, dh_first, dw_i, dw_h, wanted[4] ? dbias.sum(hidden) : Tensor()};
  }
};

}  // namespace

bool takes_gru(const GruSequence& s) {
  return takes_sequence({&s.x, &s.hidden, &s.w_i, &s.w_h, &s.b});
}

Tensor gru_sequence(const GruSequence& s) {
  if (wants_gradient({&s.x, &s.hidden, &s.w_i, &s.w_h, &s.b})) {
    return Gru::apply(s.x, s.hidden, s.w_i, s.w_h, s.b);
  }
  GruKept kept;
  return run_forward(s, /*keeps=*/false, kept);
}

Tensor gru_step_by_step(const GruSequence& s) {
  const int64_t size = s.hidden.size(1);
  const Tensor all_from_x =
      at::addmm(s.b, s.x.reshape({-1, s.x.size(2)}), s.w_i)
          .view({s.x.size(0), s.x.size(1), 3 * size});
  const auto weight = s.w_h.split_with_sizes({2 * size, size}, 1);
  Tensor h = s.hidden;
  std::vector<Tensor> outputs;
  for (const Tensor& gates : all_from_x.unbind()) {
    const auto from_x = gates.split_with_sizes({2 * size, size}, 1);
    const auto zr = at::sigmoid(at::addmm(from_x[0], h, weight[0])).chunk(2, 1);
    const Tensor a = at::tanh(at::addmm(from_x[1], zr[1] * h, weight[1]));
    h = at::lerp(h, a, zr[0]);  // (1 - z) h + z a
    outputs.push_back(h);
  }
  return at::stack(outputs);
}

}  // namespace snt::kernels
