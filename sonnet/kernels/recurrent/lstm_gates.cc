#include "sonnet/kernels/recurrent/lstm_gates.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <vector>

#include "sonnet/kernels/differentiable_gradients.h"
#include "sonnet/kernels/parallel.h"
#include "sonnet/kernels/plain.h"
#include "sonnet/kernels/simd.h"
#include "sonnet/kernels/switches.h"

namespace snt::kernels {
namespace {

using at::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Rows that a thread takes at a time, about so many numbers of gates.
constexpr int64_t kPiece = int64_t{1} << 15;

struct GatesForward {
  int64_t rows, hidden;
  const float *from_x, *from_h, *bias, *cell;
  float *h, *c;
  float* gates;  // After their sigmoid or tanh; may be nullptr.
};

template <class Isa>
struct LstmGates {
  static SNT_INLINE void run(GatesForward& a) {
    using V = Floats<Isa>;
    for (int64_t r = 0; r < a.rows; ++r) {
      for (int64_t unit = 0; unit < a.hidden; unit += Isa::kWidth) {
        const int64_t count = std::min<int64_t>(Isa::kWidth, a.hidden - unit);
        const auto sum = [&](int64_t gate) __attribute__((always_inline)) {
          const int64_t place = gate * a.hidden + unit;
          const int64_t at = r * 4 * a.hidden + place;
          return load<Isa>(a.from_x + at, count) +
                 load<Isa>(a.from_h + at, count) +
                 load<Isa>(a.bias + place, count);
        };
        const V i = sigmoid<Isa>(sum(0)), f = sigmoid<Isa>(sum(1));
        const V g = tanh<Isa>(sum(2)), o = sigmoid<Isa>(sum(3));
        const int64_t at = r * a.hidden + unit;
        const V c = f * load<Isa>(a.cell + at, count) + i * g;
        store<Isa>(a.c + at, c, count);
        store<Isa>(a.h + at, o * tanh<Isa>(c), count);
        if (a.gates == nullptr) continue;
        float* const kept = a.gates + r * 4 * a.hidden + unit;
        store<Isa>(kept, i, count);
        store<Isa>(kept + a.hidden, f, count);
        store<Isa>(kept + 2 * a.hidden, g, count);
        store<Isa>(kept + 3 * a.hidden, o, count);
      }
    }
  }
};
SNT_DEFINE_RUN(LstmGates, GatesForward)

struct GatesBackward {
  int64_t rows, hidden;
  const float *gates, *cell, *c;
  const float *dh, *dc;   // Either may be nullptr: zeros.
  float *dgates, *dcell;  // Those before sigmoid and tanh.
};

template <class Isa>
struct LstmGatesGradient {
  static SNT_INLINE void run(GatesBackward& a) {
    using V = Floats<Isa>;
    for (int64_t r = 0; r < a.rows; ++r) {
      for (int64_t unit = 0; unit < a.hidden; unit += Isa::kWidth) {
        const int64_t count = std::min<int64_t>(Isa::kWidth, a.hidden - unit);
        const int64_t at = r * a.hidden + unit;
        const float* const kept = a.gates + r * 4 * a.hidden + unit;
        const V i = load<Isa>(kept, count);
        const V f = load<Isa>(kept + a.hidden, count);
        const V g = load<Isa>(kept + 2 * a.hidden, count);
        const V o = load<Isa>(kept + 3 * a.hidden, count);
        const V t = tanh<Isa>(load<Isa>(a.c + at, count));
        V dh = {}, dc = {};
        if (a.dh != nullptr) dh = load<Isa>(a.dh + at, count);
        if (a.dc != nullptr) dc = load<Isa>(a.dc + at, count);
        dc += dh * o * (1.0F - t * t);
        float* const to = a.dgates + r * 4 * a.hidden + unit;
        store<Isa>(to, dc * g * i * (1.0F - i), count);
        store<Isa>(to + a.hidden,
                   dc * load<Isa>(a.cell + at, count) * f * (1.0F - f), count);
        store<Isa>(to + 2 * a.hidden, dc * i * (1.0F - g * g), count);
        store<Isa>(to + 3 * a.hidden, dh * t * o * (1.0F - o), count);
        store<Isa>(a.dcell + at, dc * f, count);
      }
    }
  }
};
SNT_DEFINE_RUN(LstmGatesGradient, GatesBackward)

// work(first row, rows) on several threads.
template <class F>
void for_pieces(int64_t rows, int64_t hidden, const F& work) {
  const int64_t each = std::max<int64_t>(1, kPiece / (4 * hidden));
  parallel_for_each((rows + each - 1) / each, [&](int64_t piece) {
    work(piece * each, std::min(each, rows - piece * each));
  });
}

struct Result {
  Tensor h, c, gates;
};

Result forward(const Tensor& from_x, const Tensor& from_h, const Tensor& bias,
               const Tensor& cell, bool keeps) {
  const int64_t hidden = cell.size(-1), rows = cell.numel() / hidden;
  const Result result = {at::empty_like(cell), at::empty_like(cell),
                         keeps ? at::empty_like(from_x) : Tensor()};
  for_pieces(rows, hidden, [&](int64_t first, int64_t count) {
    const int64_t at = first * hidden;
    GatesForward args = {
        count,
        hidden,
        from_x.data_ptr<float>() + 4 * at,
        from_h.data_ptr<float>() + 4 * at,
        bias.data_ptr<float>(),
        cell.data_ptr<float>() + at,
        result.h.data_ptr<float>() + at,
        result.c.data_ptr<float>() + at,
        keeps ? result.gates.data_ptr<float>() + 4 * at : nullptr};
    run_LstmGates(args);
  });
  return result;
}

// {h, c} by libtorch's operations, to be differentiated again.
variable_list by_operations(const variable_list& all) {
  const auto part = (all[0] + all[1] + all[2]).chunk(4, -1);
  const Tensor c =
      part[1].sigmoid() * all[3] + part[0].sigmoid() * part[2].tanh();
  return {part[3].sigmoid() * c.tanh(), c};
}

struct LstmGatesNode : torch::autograd::Function<LstmGatesNode> {
  static variable_list forward(AutogradContext* context, const Tensor& from_x,
                               const Tensor& from_h, const Tensor& bias,
                               const Tensor& cell) {
    const Result r = kernels::forward(from_x, from_h, bias, cell, true);
    context->save_for_backward({from_x, from_h, bias, cell, r.c, r.gates});
    context->set_materialize_grads(false);
    return {r.h, r.c};
  }

  static variable_list backward(AutogradContext* context, variable_list d) {
    const variable_list saved = context->get_saved_variables();
    const Tensor &bias = saved[2], &cell = saved[3];
    if (at::GradMode::is_enabled()) {  // create_graph
      return differentiable_gradients(by_operations,
                                      {saved[0], saved[1], bias, cell}, d);
    }
    const Tensor dh = d[0].defined() ? d[0].contiguous() : Tensor();
    const Tensor dc = d[1].defined() ? d[1].contiguous() : Tensor();
    const Tensor dgates = at::empty_like(saved[5]);
    const Tensor dcell = at::empty_like(cell);
    const int64_t hidden = cell.size(-1), rows = cell.numel() / hidden;
    const auto place = [](const Tensor& t, int64_t at) {
      return t.defined() ? t.data_ptr<float>() + at : nullptr;
    };
    for_pieces(rows, hidden, [&](int64_t first, int64_t count) {
      const int64_t at = first * hidden;
      GatesBackward args = {count,
                            hidden,
                            place(saved[5], 4 * at),
                            place(cell, at),
                            place(saved[4], at),
                            place(dh, at),
                            place(dc, at),
                            place(dgates, 4 * at),
                            place(dcell, at)};
      run_LstmGatesGradient(args);
    });
    return {dgates, dgates,
            context->needs_input_grad(2) ? dgates.view({-1, 4 * hidden}).sum(0)
                                         : Tensor(),
            dcell};
  }
};

}  // namespace

bool takes_lstm_gates(const Tensor& from_x, const Tensor& from_h,
                      const Tensor& bias, const Tensor& cell) {
  const auto fits = [](const Tensor& t) {
    return is_plain(t) && t.is_contiguous();
  };
  return switches().recurrent_sequences.load(std::memory_order_relaxed) &&
         fits(from_x) && fits(from_h) && fits(bias) && fits(cell) &&
         bias.dim() == 1 && bias.size(0) == 4 * cell.size(-1) &&
         from_x.sizes() == from_h.sizes() &&
         from_x.numel() == 4 * cell.numel() && nothing_watches();
}

std::pair<Tensor, Tensor> lstm_gates(const Tensor& from_x, const Tensor& from_h,
                                     const Tensor& bias, const Tensor& cell) {
  if (wants_gradient({&from_x, &from_h, &bias, &cell})) {
    const variable_list both = LstmGatesNode::apply(from_x, from_h, bias, cell);
    return {both[0], both[1]};
  }
  const Result r = forward(from_x, from_h, bias, cell, /*keeps=*/false);
  return {r.h, r.c};
}

}  // namespace snt::kernels
