#include "sonnet/kernels/recurrent/lstm_sequence.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <array>
#include <vector>

#include "sonnet/kernels/differentiable_gradients.h"
#include "sonnet/kernels/plain.h"
#include "sonnet/kernels/products/panels.h"
#include "sonnet/kernels/recurrent/libtorch_sequence.h"
#include "sonnet/kernels/recurrent/lstm_loops.h"
#include "sonnet/kernels/recurrent/recurrent_sequence.h"

namespace snt::kernels {
namespace {

using at::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// What the backward pass needs besides the arguments.
struct LstmKept {
  Tensor gates, cells, states;
};

LstmResult run_forward(const LstmSequence& s, bool keeps, LstmKept& kept) {
  const int64_t steps = s.x.size(0), batch = s.x.size(1);
  const int64_t hidden = s.hidden.size(1);
  const int64_t padded = round_up(hidden, 2 * vector_width());
  const Tensor x = as_rows(s.x), h = as_rows(s.hidden), c = as_rows(s.cell);
  const Panels panels = Panels::of_gates({s.w_i, s.w_h}, /*gates=*/4);
  const Tensor bias = padded_bias(s.b, /*gates=*/4, padded);
  const LstmResult result = {at::empty({steps, batch, hidden}, h.options()),
                             at::empty({batch, hidden}, h.options()),
                             at::empty({batch, hidden}, h.options())};
  if (keeps) {
    kept.gates = at::empty({steps, batch, 4 * padded}, h.options());
    kept.cells = at::empty({steps + 1, batch, padded}, h.options());
    kept.states = array_for(s.lengths, {steps, batch, hidden});
  }

  const LstmForward all = {.steps = steps,
                           .batch = batch,
                           .inputs = x.size(2),
                           .hidden = hidden,
                           .padded = padded,
                           .x = Rows(x),
                           .h_first = Rows(h),
                           .c_first = Rows(c),
                           .bias = bias.data_ptr<float>(),
                           .panels = panels.data(),
                           .y = result.y.data_ptr<float>(),
                           .h_last = result.hidden.data_ptr<float>(),
                           .c_last = result.cell.data_ptr<float>(),
                           .gates = elements_or_null(kept.gates),
                           .cells = elements_or_null(kept.cells),
                           .states = elements_or_null(kept.states)};
  Shares(steps, batch, s.lengths).for_each([&](const Share& share) {
    lstm_forward(all, share);
  });
  return result;
}

struct Lstm : torch::autograd::Function<Lstm> {
  static variable_list forward(AutogradContext* context, const Tensor& x,
                               const Tensor& hidden, const Tensor& cell,
                               const Tensor& w_i, const Tensor& w_h,
                               const Tensor& b, const Lengths& lengths) {
    LstmKept kept;
    const LstmResult result =
        run_forward({x, hidden, cell, w_i, w_h, b, lengths.value},
                    /*keeps=*/true, kept);
    context->save_for_backward({x, hidden, cell, w_i, w_h, b, lengths.value,
                                kept.gates, kept.cells, kept.states});
    context->set_materialize_grads(false);
    return {result.y, result.hidden, result.cell};
  }

  static variable_list backward(AutogradContext* context,
                                const variable_list& d) {
    const variable_list saved = context->get_saved_variables();
    if (at::GradMode::is_enabled()) {  // create_graph
      return differentiable_gradients(
          [](const variable_list& all) -> variable_list {
            const LstmResult result = lstm_step_by_step(
                {all[0], all[1], all[2], all[3], all[4], all[5], all[6]});
            return {result.y, result.hidden, result.cell};
          },
          {saved.begin(), saved.begin() + 7}, d);
    }

    std::array<bool, 6> wanted;
    for (size_t i = 0; i < 6; ++i) wanted[i] = context->needs_input_grad(i);
    return gradients(saved, d, wanted);
  }

  // The gradients that are wanted.
  static variable_list gradients(const variable_list& saved,
                                 const variable_list& d,
                                 const std::array<bool, 6>& wanted) {
    const Tensor &x = saved[0], &w_i = saved[3], &w_h = saved[4];
    const Tensor &lengths = saved[6], &gates = saved[7];
    const Tensor &cells = saved[8], &states = saved[9];
    const int64_t steps = x.size(0), batch = x.size(1), inputs = x.size(2);
    const int64_t hidden = w_h.size(0), padded = cells.size(2);
    const Tensor dy = as_rows(d[0]), dh = as_rows(d[1]), dc = as_rows(d[2]);
    const Panels h_panels = Panels::of_columns({w_h.t()});
    const Panels x_panels =
        wanted[0] ? Panels::of_columns({w_i.t()}) : Panels();
    const auto made = [&](bool is_wanted, at::IntArrayRef shape) {
      return is_wanted ? array_for(lengths, shape) : Tensor();
    };
    const Tensor dgates = made(true, {steps, batch, 4 * hidden});
    const Tensor dx = made(wanted[0], {steps, batch, inputs});
    const Tensor dh_first = made(wanted[1], {batch, hidden});
    const Tensor dc_first = made(wanted[2], {batch, hidden});

    const LstmBackward all = {.steps = steps,
                              .batch = batch,
                              .inputs = inputs,
                              .hidden = hidden,
                              .padded = padded,
                              .gates = gates.data_ptr<float>(),
                              .cells = cells.data_ptr<float>(),
                              .h_panels = h_panels.data(),
                              .x_panels = x_panels.data(),
                              .dy = Rows(dy),
                              .dh_last = Rows(dh),
                              .dc_last = Rows(dc),
                              .dgates = dgates.data_ptr<float>(),
                              .dx = elements_or_null(dx),
                              .dh_first = elements_or_null(dh_first),
                              .dc_first = elements_or_null(dc_first)};
    const Shares shares(steps, batch, lengths);
    BiasShares dbias(shares, 4, padded);
    shares.for_each([&](const Share& share) {
      lstm_backward(all, share, dbias.of(share));
    });

    const Tensor dw_i = made(wanted[3], {inputs, 4 * hidden});
    const Tensor dw_h = made(wanted[4], {hidden, 4 * hidden});
    const Tensor d_flat = dgates.flatten(0, 1);  // [T * B, 4 H]
    if (wanted[3]) {
      transposed_product(x.contiguous().flatten(0, 1), d_flat, dw_i);
    }
    if (wanted[4]) transposed_product(states.flatten(0, 1), d_flat, dw_h);
    return {dx,      dh_first, dc_first,
            dw_i,    dw_h,     wanted[5] ? dbias.sum(hidden) : Tensor(),
            Tensor()};
  }
};

}  // namespace

bool takes_lstm(const LstmSequence& s) {
  return takes_sequence({&s.x, &s.hidden, &s.cell, &s.w_i, &s.w_h, &s.b},
                        s.lengths);
}

LstmResult lstm_sequence(const LstmSequence& s) {
  if (s.x.is_cuda()) return lstm_by_libtorch(s);
  if (!wants_gradient({&s.x, &s.hidden, &s.cell, &s.w_i, &s.w_h, &s.b})) {
    LstmKept kept;
    return run_forward(s, /*keeps=*/false, kept);
  }
  const variable_list all =
      Lstm::apply(s.x, s.hidden, s.cell, s.w_i, s.w_h, s.b, Lengths{s.lengths});
  return {all[0], all[1], all[2]};
}

LstmResult lstm_step_by_step(const LstmSequence& s) {
  const Tensor from_x = at::addmm(s.b, s.x.reshape({-1, s.x.size(2)}), s.w_i)
                            .view({s.x.size(0), s.x.size(1), s.b.size(0)});
  Tensor h = s.hidden, c = s.cell;
  std::vector<Tensor> outputs;
  for (const Tensor& gates : from_x.unbind()) {
    const std::vector<Tensor> part = at::addmm(gates, h, s.w_h).chunk(4, 1);
    const Tensor i = at::sigmoid(part[0]), f = at::sigmoid(part[1]);
    const Tensor g = at::tanh(part[2]), o = at::sigmoid(part[3]);
    const Tensor next_c = at::addcmul(f * c, i, g);
    const Tensor next_h = o * at::tanh(next_c);
    const auto t = static_cast<int64_t>(outputs.size());
    c = hold_ended(s.lengths, t, next_c, c);
    h = hold_ended(s.lengths, t, next_h, h);
    keep_output(s.lengths, next_h, outputs);
  }
  return {at::stack(outputs), h, c};
}

}  // namespace snt::kernels
