#include "sonnet/kernels/recurrent/gru_sequence.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <array>
#include <vector>

#include "sonnet/kernels/differentiable_gradients.h"
#include "sonnet/kernels/plain.h"
#include "sonnet/kernels/products/panels.h"
#include "sonnet/kernels/recurrent/gru_loops.h"
#include "sonnet/kernels/recurrent/libtorch_sequence.h"
#include "sonnet/kernels/recurrent/recurrent_sequence.h"

namespace snt::kernels {
namespace {

using at::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// What the backward pass needs besides the arguments.
struct GruKept {
  Tensor gates, states, news;
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
    kept.states = array_for(s.lengths, {steps, batch, hidden});
    if (s.resets_after) {
      kept.news = at::empty({steps, batch, padded}, h.options());
    }
  }

  const GruForward all = {.steps = steps,
                          .batch = batch,
                          .inputs = x.size(2),
                          .hidden = hidden,
                          .padded = padded,
                          .resets_after = s.resets_after,
                          .x = Rows(x),
                          .h_first = Rows(h),
                          .bias = bias.data_ptr<float>(),
                          .zr_panels = zr_panels.data(),
                          .a_panels = a_panels.data(),
                          .y = y.data_ptr<float>(),
                          .gates = elements_or_null(kept.gates),
                          .states = elements_or_null(kept.states),
                          .news = elements_or_null(kept.news)};
  Shares(steps, batch, s.lengths).for_each([&](const Share& share) {
    gru_forward(all, share);
  });
  return y;
}

struct Gru : torch::autograd::Function<Gru> {
  static Tensor forward(AutogradContext* context, const Tensor& x,
                        const Tensor& hidden, const Tensor& w_i,
                        const Tensor& w_h, const Tensor& b,
                        const Lengths& lengths, bool resets_after) {
    GruKept kept;
    const Tensor y =
        run_forward({x, hidden, w_i, w_h, b, lengths.value, resets_after},
                    /*keeps=*/true, kept);
    context->save_for_backward({x, hidden, w_i, w_h, b, lengths.value,
                                kept.gates, kept.states, kept.news});
    context->saved_data["resets_after"] = resets_after;
    return y;
  }

  static variable_list backward(AutogradContext* context,
                                const variable_list& d) {
    const variable_list saved = context->get_saved_variables();
    const bool resets_after = context->saved_data["resets_after"].toBool();
    if (at::GradMode::is_enabled()) {  // create_graph
      variable_list all = differentiable_gradients(
          [&](const variable_list& all) -> variable_list {
            return {gru_step_by_step({all[0], all[1], all[2], all[3], all[4],
                                      all[5], resets_after})};
          },
          {saved.begin(), saved.begin() + 6}, d);
      all.emplace_back();
      return all;
    }

    std::array<bool, 5> wanted;
    for (size_t i = 0; i < 5; ++i) wanted[i] = context->needs_input_grad(i);
    return gradients(saved, d[0], wanted, resets_after);
  }

  // The gradients that are wanted.
  static variable_list gradients(const variable_list& saved, const Tensor& d,
                                 const std::array<bool, 5>& wanted,
                                 bool resets_after) {
    const Tensor &x = saved[0], &w_i = saved[2], &w_h = saved[3];
    const Tensor &lengths = saved[5], &gates = saved[6], &states = saved[7];
    const int64_t steps = x.size(0), batch = x.size(1), inputs = x.size(2);
    const int64_t hidden = w_h.size(0), padded = gates.size(2) / 3;
    const Tensor dy = as_rows(d);
    const auto zr = [&](const Tensor& t) { return t.slice(-1, 0, 2 * hidden); };
    const auto a = [&](const Tensor& t) { return t.slice(-1, 2 * hidden); };
    const Panels zr_panels =
        Panels::of_columns({(resets_after ? w_h : zr(w_h)).t()});
    const Panels a_panels =
        resets_after ? Panels() : Panels::of_columns({a(w_h).t()});
    const Tensor w_x = resets_after ? at::cat({a(w_i), zr(w_i)}, 1) : w_i;
    const Panels x_panels =
        wanted[0] ? Panels::of_columns({w_x.t()}) : Panels();
    const auto made = [&](bool is_wanted, at::IntArrayRef shape) {
      return is_wanted ? array_for(lengths, shape) : Tensor();
    };
    const Tensor dgates =
        made(true, {steps, batch, (resets_after ? 4 : 3) * hidden});
    const Tensor resets = made(!resets_after, {steps, batch, hidden});
    const Tensor dx = made(wanted[0], {steps, batch, inputs});
    const Tensor dh_first = made(wanted[1], {batch, hidden});

    const GruBackward all = {.steps = steps,
                             .batch = batch,
                             .inputs = inputs,
                             .hidden = hidden,
                             .padded = padded,
                             .resets_after = resets_after,
                             .gates = gates.data_ptr<float>(),
                             .states = states.data_ptr<float>(),
                             .news = elements_or_null(saved[8]),
                             .zr_panels = zr_panels.data(),
                             .a_panels = a_panels.data(),
                             .x_panels = x_panels.data(),
                             .dy = Rows(dy),
                             .dh_last = {},
                             .dgates = dgates.data_ptr<float>(),
                             .resets = elements_or_null(resets),
                             .dx = elements_or_null(dx),
                             .dh_first = elements_or_null(dh_first)};
    const Shares shares(steps, batch, lengths);
    BiasShares dbias(shares, 3, padded);
    shares.for_each(
        [&](const Share& share) { gru_backward(all, share, dbias.of(share)); });

    const Tensor dw_i = made(wanted[2], {inputs, 3 * hidden});
    const Tensor dw_h = made(wanted[3], {hidden, 3 * hidden});
    const Tensor d_flat = dgates.flatten(0, 1);  // [T * B, 3 H or 4 H]
    const Tensor d_zr = d_flat.narrow(1, all.at_z(), 2 * hidden);
    const Tensor d_a = d_flat.narrow(1, all.at_a(), hidden);
    const Tensor h_flat = states.flatten(0, 1);
    if (wanted[2]) {
      const Tensor x_flat = x.contiguous().flatten(0, 1);
      if (resets_after) {
        transposed_product(x_flat, d_zr, zr(dw_i));
        transposed_product(x_flat, d_a, a(dw_i));
      } else {
        transposed_product(x_flat, d_flat, dw_i);
      }
    }
    if (wanted[3] && resets_after) {
      transposed_product(h_flat, d_flat.slice(1, hidden), dw_h);
    } else if (wanted[3]) {
      transposed_product(h_flat, d_zr, zr(dw_h));
      transposed_product(resets.flatten(0, 1), d_a, a(dw_h));
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

bool takes_gru(const GruSequence& s) {
  return (s.x.is_cpu() || s.resets_after) &&
         takes_sequence({&s.x, &s.hidden, &s.w_i, &s.w_h, &s.b}, s.lengths);
}

Tensor gru_sequence(const GruSequence& s) {
  if (s.x.is_cuda()) return gru_by_libtorch(s);
  if (wants_gradient({&s.x, &s.hidden, &s.w_i, &s.w_h, &s.b})) {
    return Gru::apply(s.x, s.hidden, s.w_i, s.w_h, s.b, Lengths{s.lengths},
                      s.resets_after);
  }
  GruKept kept;
  return run_forward(s, /*keeps=*/false, kept);
}

Tensor gru_step_by_step(const GruSequence& s) {
  const int64_t size = s.hidden.size(1);
  const Tensor all_from_x = at::addmm(s.b, s.x.flatten(0, 1), s.w_i)
                                .view({s.x.size(0), s.x.size(1), 3 * size});
  const auto weight = s.w_h.split_with_sizes({2 * size, size}, 1);
  Tensor h = s.hidden;
  std::vector<Tensor> outputs;
  for (const Tensor& gates : all_from_x.unbind()) {
    const auto from_x = gates.split_with_sizes({2 * size, size}, 1);
    const auto zr = at::sigmoid(at::addmm(from_x[0], h, weight[0])).chunk(2, 1);
    const Tensor &z = zr[0], &r = zr[1];
    Tensor next;
    if (s.resets_after) {
      const Tensor a =
          at::tanh(at::addcmul(from_x[1], r, at::mm(h, weight[1])));
      next = at::lerp(a, h, z);  // (1 - z) a + z h
    } else {
      const Tensor a = at::tanh(at::addmm(from_x[1], r * h, weight[1]));
      next = at::lerp(h, a, z);  // (1 - z) h + z a
    }
    h = hold_ended(s.lengths, static_cast<int64_t>(outputs.size()), next, h);
    keep_output(s.lengths, next, outputs);
  }
  return at::stack(outputs);
}

}  // namespace snt::kernels
