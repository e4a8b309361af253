#include "sonnet/kernels/recurrent/rnn_sequence.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <array>
#include <vector>

#include "sonnet/kernels/differentiable_gradients.h"
#include "sonnet/kernels/plain.h"
#include "sonnet/kernels/products/panels.h"
#include "sonnet/kernels/recurrent/libtorch_sequence.h"
#include "sonnet/kernels/recurrent/recurrent_sequence.h"
#include "sonnet/kernels/recurrent/rnn_loops.h"

namespace snt::kernels {
namespace {

using at::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// The outputs; `states` are what the backward pass needs, made if it `keeps`.
Tensor run_forward(const RnnSequence& s, bool keeps, Tensor& states) {
  const int64_t steps = s.x.size(0), batch = s.x.size(1);
  const int64_t hidden = s.hidden.size(1);
  const int64_t padded = round_up(hidden, 2 * vector_width());
  const Tensor x = as_rows(s.x), h = as_rows(s.hidden);
  const Panels panels = Panels::of_columns({s.w_i, s.w_h});
  const Tensor bias = padded_bias(s.b, /*gates=*/1, padded);
  const Tensor y = at::empty({steps, batch, hidden}, h.options());
  if (keeps) states = array_for(s.lengths, {steps + 1, batch, hidden});

  const RnnForward all = {.steps = steps,
                          .batch = batch,
                          .inputs = x.size(2),
                          .hidden = hidden,
                          .padded = padded,
                          .is_relu = s.is_relu,
                          .x = Rows(x),
                          .h_first = Rows(h),
                          .bias = bias.data_ptr<float>(),
                          .panels = panels.data(),
                          .y = y.data_ptr<float>(),
                          .states = elements_or_null(states)};
  Shares(steps, batch, s.lengths).for_each([&](const Share& share) {
    rnn_forward(all, share);
  });
  return y;
}

struct Rnn : torch::autograd::Function<Rnn> {
  static Tensor forward(AutogradContext* context, const Tensor& x,
                        const Tensor& hidden, const Tensor& w_i,
                        const Tensor& w_h, const Tensor& b,
                        const Lengths& lengths, bool is_relu) {
    Tensor states;
    const Tensor y =
        run_forward({x, hidden, w_i, w_h, b, is_relu, lengths.value},
                    /*keeps=*/true, states);
    context->save_for_backward({x, hidden, w_i, w_h, b, lengths.value, states});
    context->saved_data["is_relu"] = is_relu;
    return y;
  }

  static variable_list backward(AutogradContext* context,
                                const variable_list& d) {
    const variable_list saved = context->get_saved_variables();
    const bool is_relu = context->saved_data["is_relu"].toBool();
    if (at::GradMode::is_enabled()) {  // create_graph
      variable_list all = differentiable_gradients(
          [&](const variable_list& all) -> variable_list {
            return {rnn_step_by_step(
                {all[0], all[1], all[2], all[3], all[4], is_relu, all[5]})};
          },
          {saved.begin(), saved.begin() + 6}, d);
      all.emplace_back();
      return all;
    }

    std::array<bool, 5> wanted;
    for (size_t i = 0; i < 5; ++i) wanted[i] = context->needs_input_grad(i);
    return gradients(saved, d[0], wanted, is_relu);
  }

  // The gradients that are wanted.
  static variable_list gradients(const variable_list& saved, const Tensor& d,
                                 const std::array<bool, 5>& wanted,
                                 bool is_relu) {
    const Tensor &x = saved[0], &w_i = saved[2], &w_h = saved[3];
    const Tensor &lengths = saved[5], &states = saved[6];
    const int64_t steps = x.size(0), batch = x.size(1), inputs = x.size(2);
    const int64_t hidden = w_h.size(0);
    const int64_t padded = round_up(hidden, 2 * vector_width());
    const Tensor dy = as_rows(d);
    const Panels h_panels = Panels::of_columns({w_h.t()});
    const Panels x_panels =
        wanted[0] ? Panels::of_columns({w_i.t()}) : Panels();
    const auto made = [&](bool is_wanted, at::IntArrayRef shape) {
      return is_wanted ? array_for(lengths, shape) : Tensor();
    };
    const Tensor dsums = made(true, {steps, batch, hidden});
    const Tensor dx = made(wanted[0], {steps, batch, inputs});
    const Tensor dh_first = made(wanted[1], {batch, hidden});

    const RnnBackward all = {.steps = steps,
                             .batch = batch,
                             .inputs = inputs,
                             .hidden = hidden,
                             .padded = padded,
                             .is_relu = is_relu,
                             .states = states.data_ptr<float>(),
                             .h_panels = h_panels.data(),
                             .x_panels = x_panels.data(),
                             .dy = Rows(dy),
                             .dh_last = {},
                             .dsums = dsums.data_ptr<float>(),
                             .dx = elements_or_null(dx),
                             .dh_first = elements_or_null(dh_first)};
    const Shares shares(steps, batch, lengths);
    BiasShares dbias(shares, 1, padded);
    shares.for_each(
        [&](const Share& share) { rnn_backward(all, share, dbias.of(share)); });

    const Tensor dw_i = made(wanted[2], {inputs, hidden});
    const Tensor dw_h = made(wanted[3], {hidden, hidden});
    const Tensor d_flat = dsums.flatten(0, 1);  // [T * B, H]
    if (wanted[2]) {
      transposed_product(x.contiguous().flatten(0, 1), d_flat, dw_i);
    }
    if (wanted[3]) {
      transposed_product(states.slice(0, 0, steps).flatten(0, 1), d_flat, dw_h);
    }
    return {dx,
            dh_first,
            dw_i,
            dw_h,
            wanted[4] ? dbias.sum(hidden) : Tensor(),
            Tensor(),
            Tensor()};
  }
};

}  // namespace

bool takes_rnn(const RnnSequence& s) {
  return takes_sequence({&s.x, &s.hidden, &s.w_i, &s.w_h, &s.b}, s.lengths);
}

Tensor rnn_sequence(const RnnSequence& s) {
  if (s.x.is_cuda()) return rnn_by_libtorch(s);
  if (wants_gradient({&s.x, &s.hidden, &s.w_i, &s.w_h, &s.b})) {
    return Rnn::apply(s.x, s.hidden, s.w_i, s.w_h, s.b, Lengths{s.lengths},
                      s.is_relu);
  }
  Tensor states;
  return run_forward(s, /*keeps=*/false, states);
}

Tensor rnn_step_by_step(const RnnSequence& s) {
  const Tensor from_x = at::addmm(s.b, s.x.reshape({-1, s.x.size(2)}), s.w_i)
                            .view({s.x.size(0), s.x.size(1), s.b.size(0)});
  Tensor h = s.hidden;
  std::vector<Tensor> outputs;
  for (const Tensor& sum : from_x.unbind()) {
    const Tensor all = at::addmm(sum, h, s.w_h);
    const Tensor next = s.is_relu ? at::relu(all) : at::tanh(all);
    h = hold_ended(s.lengths, static_cast<int64_t>(outputs.size()), next, h);
    keep_output(s.lengths, next, outputs);
  }
  return at::stack(outputs);
}

}  // namespace snt::kernels
