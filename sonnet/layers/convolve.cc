#include "sonnet/layers/convolve.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <tuple>

#include "sonnet/core/errors.h"
#include "sonnet/core/half.h"
#include "sonnet/kernels/plain.h"

namespace snt::detail {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;
using Sizes = std::vector<int64_t>;

// The dtype to compute in.
at::ScalarType working_dtype(const at::Tensor& x) {
  if (!x.is_floating_point()) return at::kDouble;
  return is_half_on_cpu(x) ? at::kFloat : x.scalar_type();
}

// f(x, w, b) in the working dtype, in the dtype of x.
template <class F>
at::Tensor in_working_dtype(const F& f, const at::Tensor& x,
                            const at::Tensor& w, const at::Tensor& b) {
  const at::ScalarType dtype = working_dtype(x);
  if (dtype == x.scalar_type()) return f(x, w, b);
  const at::Tensor y =
      f(x.to(dtype), w.to(dtype), b.defined() ? b.to(dtype) : b);
  return x.is_floating_point() ? y.to(x.scalar_type())
                               : y.to(at::kLong).to(x.scalar_type());
}

// An empty result that gradients (zeros) flow through.
at::Tensor empty_result(const at::Tensor& x, const at::Tensor& w,
                        const at::Tensor& b, at::IntArrayRef shape) {
  const at::Tensor nothing = x.sum() + w.sum();
  return (b.defined() ? nothing + b.sum() : nothing)
      .to(x.scalar_type())
      .expand(shape);
}

// libtorch's fast kernels and its channels-last layout begin with two
// dimensions: one is two of which the first has size 1.
Sizes lifted(Sizes sizes, int64_t by) {
  if (sizes.size() == 1) sizes.insert(sizes.begin(), by);
  return sizes;
}
at::Tensor lifted(const at::Tensor& x) {
  return x.dim() == 3 ? x.unsqueeze(2) : x;
}
at::Tensor unlifted(const at::Tensor& y, int64_t dim) {
  return dim == 3 ? y.squeeze(2) : y;
}

// Weights in the layout of the image. libtorch makes this copy in any case;
// made here, it has the usual strides also where a size is 1, which the
// gradient of its float64 kernel needs.
at::Tensor kernel_for(const at::Tensor& image, const at::Tensor& w) {
  return lifted(w).clone(image.suggest_memory_format());
}

// A convolution with as many zeros before as after, over two dimensions or
// three.
struct Engine {
  Sizes stride, padding, rate;
  int64_t groups = 1;

  at::Tensor forward(const at::Tensor& x, const at::Tensor& w,
                     const at::Tensor& b) const {
    if (skips_inputs(w)) return dense().forward(used(x), w, b);
    return at::convolution(x, w, b, stride, padding, rate,
                           /*transposed=*/false, Sizes(stride.size(), 0),
                           groups);
  }
  // The gradient of x, whose values do not matter.
  at::Tensor grad_x(const at::Tensor& dy, const at::Tensor& x,
                    const at::Tensor& w) const {
    if (skips_inputs(w)) {
      const at::Tensor dx = at::zeros_like(x, x.suggest_memory_format());
      used(dx).copy_(dense().grad_x(dy, used(x), w));
      return dx;
    }
    return std::get<0>(backward(dy, x, w, {true, false, false}));
  }
  // The gradient of w, whose values do not matter.
  at::Tensor grad_w(const at::Tensor& dy, const at::Tensor& x,
                    const at::Tensor& w) const {
    if (skips_inputs(w)) return dense().grad_w(dy, used(x), w);
    return std::get<1>(backward(dy, x, w, {false, true, false}));
  }

  // A kernel of one element with a stride is a dense convolution of the inputs
  // that it meets, and is computed as that: oneDNN's own way with it writes
  // past its memory when there are up to four channels and two threads (2.6,
  // and 3 in libtorch 2.15).
  bool skips_inputs(const at::Tensor& w) const {
    const auto spatial = w.sizes().slice(2);
    const auto is = [](int64_t n) {
      return [n](int64_t size) { return size == n; };
    };
    return std::all_of(spatial.begin(), spatial.end(), is(1)) &&
           std::all_of(padding.begin(), padding.end(), is(0)) &&
           !std::all_of(stride.begin(), stride.end(), is(1));
  }
  at::Tensor used(at::Tensor x) const {
    for (size_t i = 0; i < stride.size(); ++i) {
      x = x.slice(2 + static_cast<int64_t>(i), 0, x.size(2 + i), stride[i]);
    }
    return x;
  }
  Engine dense() const {
    return {Sizes(stride.size(), 1), padding, rate, groups};
  }

  std::tuple<at::Tensor, at::Tensor, at::Tensor> backward(
      const at::Tensor& dy, const at::Tensor& x, const at::Tensor& w,
      std::array<bool, 3> wanted) const {
    return at::convolution_backward(
        dy, x, w, at::OptionalIntArrayRef(), stride, padding, rate,
        /*transposed=*/false, Sizes(stride.size(), 0), groups, wanted);
  }
};

Engine engine_of(const Window& window, const Sizes& zeros, int64_t groups) {
  return {lifted(window.stride, 1), lifted(zeros, 0), lifted(window.rate, 1),
          groups};
}

kernels::ConvWindow window_over(const Window& window, const Zeros& zeros,
                                int64_t groups) {
  kernels::ConvWindow all = {window.stride, {}, {}, window.rate, groups};
  for (const auto& [before, after] : zeros) {
    all.before.push_back(before);
    all.after.push_back(after);
  }
  return all;
}

// y = the gradient that x, as that of its output, gives the input of a
// convolution. This is what a transposed convolution is; that of libtorch 1.13
// takes many times as long.
struct Transpose : torch::autograd::Function<Transpose> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x,
                            const at::Tensor& w, const Engine& engine,
                            const Sizes& shape) {
    context->save_for_backward({x, w});
    context->saved_data["stride"] = engine.stride;
    context->saved_data["padding"] = engine.padding;
    context->saved_data["rate"] = engine.rate;
    return engine.grad_x(
        x, at::empty(shape, x.options(), x.suggest_memory_format()), w);
  }
  static variable_list backward(AutogradContext* context, variable_list dy) {
    const variable_list saved = context->get_saved_variables();
    const auto kept = [&](const char* key) {
      return context->saved_data[key].toIntVector();
    };
    const Engine engine = {kept("stride"), kept("padding"), kept("rate")};
    const at::Tensor &x = saved[0], &w = saved[1];
    return {context->needs_input_grad(0) ? engine.forward(dy[0], w, {})
                                         : at::Tensor(),
            context->needs_input_grad(1) ? engine.grad_w(x, dy[0], w)
                                         : at::Tensor(),
            at::Tensor(), at::Tensor()};
  }
};

// The sizes of y = convolve(x, w).
//
// Throws ValueError when the window is larger than x with its zeros.
Sizes output_shape(const Who& who, const at::Tensor& x, const at::Tensor& w,
                   const Window& window, const Zeros& zeros) {
  Sizes shape = {x.size(0), w.size(0)};
  for (size_t i = 0; i < window.kernel.size(); ++i) {
    const auto [before, after] = zeros[i];
    check(before >= 0 && after >= 0, who, "padding must not be negative, got [",
          before, ", ", after, "]");
    const int64_t size = x.size(2 + i) + before + after;
    // Rounded towards 0, so that a size that is one short gives no outputs
    // instead of an error, as in TensorFlow.
    const int64_t outputs =
        (size - window.extent(i) + window.stride[i]) / window.stride[i];
    check(outputs >= 0, who, "the kernel covers ", window.extent(i),
          " elements, but spatial dimension ", i,
          " of x has, with its padding, ", size);
    shape.push_back(outputs);
  }
  return shape;
}

}  // namespace

Zeros same_zeros(at::IntArrayRef sizes, const Window& window) {
  Zeros zeros;
  for (size_t i = 0; i < sizes.size(); ++i) {
    const int64_t stride = window.stride[i];
    const int64_t outputs = (sizes[i] + stride - 1) / stride;
    const int64_t total = std::max<int64_t>(
        (outputs - 1) * stride + window.extent(i) - sizes[i], 0);
    zeros.push_back({total / 2, total - total / 2});
  }
  return zeros;
}

at::Tensor convolve(const Who& who, const at::Tensor& x, const at::Tensor& w,
                    const at::Tensor& b, const Window& window,
                    const Zeros& zeros, int64_t groups) {
  const Sizes shape = output_shape(who, x, w, window, zeros);
  if (c10::multiply_integers(shape) == 0) return empty_result(x, w, b, shape);

  return in_working_dtype(
      [&](const at::Tensor& x, const at::Tensor& w, const at::Tensor& b) {
        if (kernels::takes_convolution(x, w, b)) {
          return kernels::convolution(
              x, w, b, window_over(window, zeros, groups), shape);
        }
        Sizes both;  // Zeros that libtorch adds on both sides.
        Sizes more;  // Further ones, last dimension first.
        for (const auto& [before, after] : zeros) {
          both.push_back(std::min(before, after));
          more.insert(more.begin(),
                      {before - both.back(), after - both.back()});
        }
        const bool is_uneven = std::any_of(more.begin(), more.end(),
                                           [](int64_t n) { return n > 0; });
        at::Tensor image = lifted(x);
        if (is_uneven) image = at::constant_pad_nd(image, more);
        const Engine engine = engine_of(window, both, groups);
        return unlifted(engine.forward(image, kernel_for(image, w), b),
                        x.dim());
      },
      x, w, b);
}

at::Tensor convolve_then(const Who& who, const at::Tensor& x,
                         const at::Tensor& w, const at::Tensor& b,
                         const Window& window, const Zeros& zeros,
                         const kernels::AfterConvolution& after) {
  const Sizes shape = output_shape(who, x, w, window, zeros);
  const at::Tensor& addend = after.addend;
  if (kernels::wants_gradient(
          {&x, &w, &b, &after.factor, &after.shift, &addend}) ||
      (addend.defined() && addend.sizes() != shape)) {
    return {};
  }
  kernels::AfterConvolution all = after;
  if (b.defined()) all.shift = all.shift + all.factor * b;
  return kernels::convolution_then(
      x, w, all, window_over(window, zeros, /*groups=*/1), shape);
}

at::Tensor convolve_transpose(const at::Tensor& x, const at::Tensor& w,
                              const at::Tensor& b, const Window& window,
                              const Zeros& zeros, at::IntArrayRef sizes) {
  const size_t dims = window.kernel.size();
  Sizes shape = {x.size(0), w.size(1)};
  shape.insert(shape.end(), sizes.begin(), sizes.end());
  if (c10::multiply_integers(shape) == 0) return empty_result(x, w, b, shape);

  return in_working_dtype(
      [&](const at::Tensor& x, const at::Tensor& w, const at::Tensor& b) {
        if (kernels::takes_convolution(x, w, b)) {
          return kernels::convolution_transpose(
              x, w, b, window_over(window, zeros, /*groups=*/1), shape);
        }
        Sizes before;
        Sizes with_odd = {x.size(0), w.size(1)};  // The odd zero is cut off.
        Sizes broadcast = {w.size(1)};
        for (size_t i = 0; i < dims; ++i) {
          before.push_back(zeros[i][0]);
          with_odd.push_back(sizes[i] + zeros[i][1] - zeros[i][0]);
          broadcast.push_back(1);
        }
        if (dims == 1) with_odd.insert(with_odd.begin() + 2, 1);
        const Engine engine = engine_of(window, before, /*groups=*/1);
        const at::Tensor image = lifted(x);
        at::Tensor y = unlifted(
            Transpose::apply(image, kernel_for(image, w), engine, with_odd),
            x.dim());
        for (size_t i = 0; i < dims; ++i) y = y.narrow(2 + i, 0, sizes[i]);
        return b.defined() ? y + b.view(broadcast) : y;
      },
      x, w, b);
}

}  // namespace snt::detail
