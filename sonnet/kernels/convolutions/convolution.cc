#include "sonnet/kernels/convolutions/convolution.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <array>
#include <utility>

#include "sonnet/kernels/convolutions/depthwise.h"
#include "sonnet/kernels/convolutions/winograd.h"
#include "sonnet/kernels/differentiable_gradients.h"
#include "sonnet/kernels/onednn.h"
#include "sonnet/kernels/plain.h"
#include "sonnet/kernels/switches.h"

namespace snt::kernels {
namespace {

using at::IntArrayRef;
using at::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

bool has_channels_last(const Tensor& t) {
  const ConvSizes wanted = channels_last_strides(t.sizes());
  for (int64_t i = 0; i < t.dim(); ++i) {
    if (t.size(i) != 1 && t.stride(i) != wanted[i]) return false;
  }
  return true;
}

Tensor empty_channels_last(IntArrayRef sizes, const Tensor& like) {
  return at::empty_strided(sizes, channels_last_strides(sizes), like.options());
}

// A gradient, which may come in any order.
Tensor as_channels_last(const Tensor& t) {
  return has_channels_last(t) ? t : empty_channels_last(t.sizes(), t).copy_(t);
}

// All by libtorch, to be differentiated again; rarely needed, so in the layout
// that all its kernels take.
Tensor padded(const Tensor& x, const ConvWindow& window) {
  ConvSizes zeros;  // Last dimension first.
  for (size_t i = window.before.size(); i-- > 0;) {
    zeros.insert(zeros.end(), {window.before[i], window.after[i]});
  }
  return at::constant_pad_nd(x.contiguous(), zeros);
}
Tensor plain_convolution(const Tensor& x, const Tensor& w, const Tensor& b,
                         const ConvWindow& window) {
  const ConvSizes none(window.stride.size(), 0);
  return at::convolution(padded(x, window), w.contiguous(), b, window.stride,
                         none, window.rate, /*transposed=*/false, none,
                         window.groups);
}
Tensor plain_transpose(const Tensor& y, const Tensor& w, const Tensor& b,
                       const ConvWindow& window, IntArrayRef x_sizes) {
  const size_t dims = window.stride.size();
  const ConvSizes none(dims, 0);
  Tensor x = at::convolution(y.contiguous(), w.contiguous(), {}, window.stride,
                             none, window.rate,
                             /*transposed=*/true, none, window.groups);
  ConvSizes cut;  // Last dimension first.
  ConvSizes broadcast = {-1};
  for (size_t i = dims; i-- > 0;) {
    const int64_t before = window.before[i];
    cut.insert(cut.end(), {-before, x_sizes[2 + i] + before - x.size(2 + i)});
    broadcast.push_back(1);
  }
  x = at::constant_pad_nd(x, cut);
  return b.defined() ? x + b.view(broadcast) : x;
}

// Computes one of the arrays from the others, by the fastest way that there is;
// false where there is none.
bool compute(const ConvProblem& problem, IntArrayRef w_strides, ConvPass pass,
             const ConvArrays& arrays) {
  if (pays_winograd(problem)) {
    run_winograd(problem, w_strides, pass, arrays);
    return true;
  }
  const auto plan =
      conv_plan(problem, w_strides, pass, {.bias = arrays.b != nullptr});
  if (plan == nullptr) return false;
  plan->run(arrays);
  return true;
}

// y of x and w.
Tensor compute_y(const Tensor& x, const Tensor& w, const Tensor& b,
                 const ConvWindow& window, IntArrayRef y_sizes) {
  if (is_depthwise(w, window)) return depthwise_y(x, w, b, window, y_sizes);
  const Tensor y = empty_channels_last(y_sizes, x);
  const bool is_done =
      compute({x.sizes(), w.sizes(), y_sizes, window}, w.strides(), ConvPass::y,
              {.x = x.data_ptr<float>(),
               .w = w.data_ptr<float>(),
               .y = y.data_ptr<float>(),
               .b = elements_or_null(b)});
  return is_done ? y : plain_convolution(x, w, b, window);
}

// The gradient of x, from that of y.
Tensor compute_x(const Tensor& y, const Tensor& w, const ConvWindow& window,
                 IntArrayRef x_sizes) {
  if (is_depthwise(w, window)) return depthwise_x(y, w, window, x_sizes);
  const Tensor x = empty_channels_last(x_sizes, y);
  const bool is_done =
      compute({x_sizes, w.sizes(), y.sizes(), window}, w.strides(), ConvPass::x,
              {.x = x.data_ptr<float>(),
               .w = w.data_ptr<float>(),
               .y = y.data_ptr<float>()});
  return is_done ? x : plain_transpose(y, w, {}, window, x_sizes);
}

// Gradients of w and, if wanted, b from that of y.
std::pair<Tensor, Tensor> compute_w(const Tensor& x, const Tensor& y,
                                    const Tensor& w, bool wants_b,
                                    const ConvWindow& window) {
  if (is_depthwise(w, window)) {
    const auto d = depthwise_gradients(x, y, w, window, {false, true, wants_b});
    return {d.w, d.b};
  }
  // oneDNN's kernel for one element with a stride writes past its memory when
  // there are few channels: a dense one over the numbers that it meets.
  if (are_all(w.sizes().slice(2), 1) && are_all(window.before, 0) &&
      are_all(window.after, 0) && !are_all(window.stride, 1)) {
    Tensor met = x;
    for (size_t i = 0; i < window.stride.size(); ++i) {
      const auto dim = static_cast<int64_t>(2 + i);
      met = met.slice(dim, 0, y.size(dim) * window.stride[i], window.stride[i]);
    }
    ConvWindow dense = window;
    dense.stride.assign(window.stride.size(), 1);
    return compute_w(as_channels_last(met), y, w, wants_b, dense);
  }
  const Tensor dw = w.is_non_overlapping_and_dense()
                        ? at::empty_strided(w.sizes(), w.strides(), w.options())
                        : at::empty(w.sizes(), w.options());
  const Tensor db = wants_b ? at::empty({w.size(0)}, w.options()) : Tensor();
  const bool is_done = compute({x.sizes(), w.sizes(), y.sizes(), window},
                               dw.strides(), ConvPass::w,
                               {.x = x.data_ptr<float>(),
                                .w = dw.data_ptr<float>(),
                                .y = y.data_ptr<float>(),
                                .b = elements_or_null(db)});
  if (!is_done) {
    const ConvSizes none(window.stride.size(), 0);
    const auto all = at::convolution_backward(
        y.contiguous(), padded(x, window), w.contiguous(),
        at::OptionalIntArrayRef({w.size(0)}), window.stride, none, window.rate,
        /*transposed=*/false, none, window.groups, {false, true, wants_b});
    return {std::get<1>(all), std::get<2>(all)};
  }
  return {dw, db};
}

// b in every place of an array that is the caller's own.
Tensor add_bias(const Tensor& x, const Tensor& b) {
  if (b.defined()) x.movedim(1, -1).add_(b);
  return x;
}
// Its gradient.
Tensor sum_to_bias(const Tensor& d) {
  return d.movedim(1, -1).reshape({-1, d.size(1)}).sum(0);
}

bool has_avx512() {
  static const bool has = [] {
    const auto isa = static_cast<int>(dnnl::get_effective_cpu_isa());
    const auto wanted = static_cast<int>(dnnl::cpu_isa::avx512_core);
    return (isa & wanted) == wanted;
  }();
  return has;
}

Tensor or_undefined(const c10::optional<Tensor>& t) {
  return t ? *t : Tensor();
}
c10::optional<Tensor> or_nothing(const Tensor& t) {
  return t.defined() ? c10::make_optional(t) : c10::nullopt;
}

// Autograd takes undefined tensors as optional ones only, and does not count
// them in `needs_input_grad`.
struct Direct : torch::autograd::Function<Direct> {
  static Tensor forward(AutogradContext* context, const Tensor& x,
                        const Tensor& w, const c10::optional<Tensor>& b,
                        const ConvWindow* window, IntArrayRef y_sizes);
  static variable_list backward(AutogradContext* context, variable_list d);
};
struct Transposed : torch::autograd::Function<Transposed> {
  static Tensor forward(AutogradContext* context, const Tensor& y,
                        const Tensor& w, const c10::optional<Tensor>& b,
                        const ConvWindow* window, IntArrayRef x_sizes);
  static variable_list backward(AutogradContext* context, variable_list d);
};

void save(AutogradContext& context, const Tensor& array, const Tensor& w,
          const Tensor& b, const ConvWindow& window) {
  context.save_for_backward({array, w, b});
  ConvSizes all = {window.groups};
  for (const ConvSizes* each :
       {&window.stride, &window.before, &window.after, &window.rate}) {
    all.insert(all.end(), each->begin(), each->end());
  }
  context.saved_data["window"] = std::move(all);
}
ConvWindow saved_window(AutogradContext& context) {
  const ConvSizes all = context.saved_data["window"].toIntVector();
  const auto dims = static_cast<int64_t>(all.size() / 4);
  const auto part = [&](int64_t i) {
    const auto begin = all.begin() + 1 + i * dims;
    return ConvSizes(begin, begin + dims);
  };
  return {part(0), part(1), part(2), part(3), all[0]};
}

Tensor Direct::forward(AutogradContext* context, const Tensor& x,
                       const Tensor& w, const c10::optional<Tensor>& b,
                       const ConvWindow* window, IntArrayRef y_sizes) {
  save(*context, x, w, or_undefined(b), *window);
  return compute_y(x, w, or_undefined(b), *window, y_sizes);
}

variable_list Direct::backward(AutogradContext* context, variable_list d) {
  const variable_list saved = context->get_saved_variables();
  const Tensor &x = saved[0], &w = saved[1], &b = saved[2];
  const ConvWindow window = saved_window(*context);
  variable_list gradients(5);
  if (at::GradMode::is_enabled()) {  // create_graph
    gradients = differentiable_gradients(
        [&](const variable_list& all) -> variable_list {
          return {plain_convolution(all[0], all[1], all[2], window)};
        },
        saved, d);
    gradients.resize(5);
    return gradients;
  }
  const bool wants_b = b.defined() && context->needs_input_grad(2);
  if (is_depthwise(w, window)) {
    const auto all = depthwise_gradients(
        x, d[0], w, window,
        {context->needs_input_grad(0), context->needs_input_grad(1), wants_b});
    return {all.x, all.w, all.b, Tensor(), Tensor()};
  }
  const Tensor dy = as_channels_last(d[0]);
  if (context->needs_input_grad(0)) {
    gradients[0] = compute_x(dy, w, window, x.sizes());
  }
  if (context->needs_input_grad(1)) {
    std::tie(gradients[1], gradients[2]) = compute_w(x, dy, w, wants_b, window);
  } else if (wants_b) {
    gradients[2] = sum_to_bias(dy);
  }
  return gradients;
}

Tensor Transposed::forward(AutogradContext* context, const Tensor& y,
                           const Tensor& w, const c10::optional<Tensor>& b,
                           const ConvWindow* window, IntArrayRef x_sizes) {
  save(*context, y, w, or_undefined(b), *window);
  return add_bias(compute_x(y, w, *window, x_sizes), or_undefined(b));
}

variable_list Transposed::backward(AutogradContext* context, variable_list d) {
  const variable_list saved = context->get_saved_variables();
  const Tensor &y = saved[0], &w = saved[1], &b = saved[2];
  const ConvWindow window = saved_window(*context);
  variable_list gradients(5);
  if (at::GradMode::is_enabled()) {  // create_graph
    gradients = differentiable_gradients(
        [&](const variable_list& all) -> variable_list {
          return {
              plain_transpose(all[0], all[1], all[2], window, d[0].sizes())};
        },
        saved, d);
    gradients.resize(5);
    return gradients;
  }
  const Tensor dx = as_channels_last(d[0]);
  if (context->needs_input_grad(0)) {
    gradients[0] = compute_y(dx, w, {}, window, y.sizes());
  }
  if (context->needs_input_grad(1)) {
    gradients[1] = compute_w(dx, y, w, /*wants_b=*/false, window).first;
  }
  if (b.defined() && context->needs_input_grad(2)) {
    gradients[2] = sum_to_bias(dx);
  }
  return gradients;
}

}  // namespace

bool takes_convolution(const Tensor& array, const Tensor& w, const Tensor& b) {
  return switches().fast_convolutions.load(std::memory_order_relaxed) &&
         is_plain(array) && is_plain(w) && (!b.defined() || is_plain(b)) &&
         has_channels_last(array) && (!b.defined() || b.is_contiguous()) &&
         nothing_watches() && is_alive();
}

Tensor convolution(const Tensor& x, const Tensor& w, const Tensor& b,
                   const ConvWindow& window, IntArrayRef y_sizes) {
  if (!wants_gradient({&x, &w, &b})) {
    return compute_y(x, w, b, window, y_sizes);
  }
  return Direct::apply(x, w, or_nothing(b), &window, y_sizes);
}

Tensor convolution_transpose(const Tensor& y, const Tensor& w, const Tensor& b,
                             const ConvWindow& window, IntArrayRef x_sizes) {
  if (!wants_gradient({&y, &w, &b})) {
    return add_bias(compute_x(y, w, window, x_sizes), b);
  }
  return Transposed::apply(y, w, or_nothing(b), &window, x_sizes);
}

Tensor convolution_then(const Tensor& x, const Tensor& w,
                        const AfterConvolution& after, const ConvWindow& window,
                        IntArrayRef y_sizes) {
  const Tensor& addend = after.addend;
  const auto fits = [&](const Tensor& t) {
    return is_plain(t) && t.is_contiguous() && t.numel() == w.size(0);
  };
  if (!takes_convolution(x, w, {}) || c10::multiply_integers(y_sizes) == 0 ||
      !fits(after.factor) || !fits(after.shift) ||
      (addend.defined() && !(is_plain(addend) && has_channels_last(addend)))) {
    return {};
  }
  const ConvProblem problem = {x.sizes(), w.sizes(), y_sizes, window};
  ConvArrays arrays = {.x = x.data_ptr<float>(),
                       .w = w.data_ptr<float>(),
                       .b = after.shift.data_ptr<float>(),
                       .factor = after.factor.data_ptr<float>(),
                       .addend = elements_or_null(addend)};
  if (pays_winograd(problem)) {
    const Tensor y = empty_channels_last(y_sizes, x);
    arrays.y = y.data_ptr<float>();
    run_winograd(problem, w.strides(), ConvPass::y, arrays, after.relu);
    return y;
  }
  // Adding while y is written spares a pass over memory, but oneDNN has slower
  // kernels for it, which matters where w is most of the work; and on CPUs
  // without AVX-512 those of 2.6 add wrong numbers.
  const bool adds =
      addend.defined() && has_avx512() && addend.numel() >= w.numel();
  const bool sums = addend.defined() && !adds;
  const auto plan = conv_plan(problem, w.strides(), ConvPass::y,
                              {.bias = true,
                               .factor = true,
                               .addend = adds,
                               .sum = sums,
                               .relu = after.relu});
  if (plan == nullptr) return {};
  const Tensor y = empty_channels_last(y_sizes, x);
  if (sums) y.copy_(addend);
  arrays.y = y.data_ptr<float>();
  if (!adds) arrays.addend = nullptr;
  plan->run(arrays);
  return y;
}

}  // namespace snt::kernels
