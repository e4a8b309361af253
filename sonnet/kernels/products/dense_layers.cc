#include "sonnet/kernels/products/dense_layers.h"

#include <ATen/ATen.h>
#include <ATen/EmptyTensor.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/saved_variable.h>

#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "sonnet/kernels/autograd_node.h"
#include "sonnet/kernels/differentiable_gradients.h"
#include "sonnet/kernels/plain.h"
#include "sonnet/kernels/products/small_product.h"
#include "sonnet/kernels/switches.h"

namespace snt::kernels {
namespace {

using at::Tensor;
using torch::autograd::SavedVariable;
using torch::autograd::variable_list;

// Whether a product is so small that nothing is gained by packing and threads.
bool is_small(int64_t rows, int64_t depth, int64_t columns) {
  constexpr double kWork = 1 << 18;      // Multiply-adds.
  constexpr int64_t kNumbers = 1 << 13;  // Of the right matrix, in a cache.
  return static_cast<double>(rows) * depth * columns <= kWork &&
         depth * columns <= kNumbers;
}

Tensor new_floats(at::IntArrayRef sizes) {
  return at::detail::empty_cpu(sizes, at::kFloat);
}

int64_t rows_in(const Tensor& x) { return x.numel() / x.size(-1); }

// x seen as [rows, in].
Tensor as_matrix(const Tensor& x) {
  return x.dim() == 2 ? x : x.view({rows_in(x), x.size(-1)});
}

// Writes x w + b, and its relu, to y [rows, out].
void forward_layer(const Tensor& x, const DenseLayer& layer, bool relu,
                   const Tensor& y) {
  const int64_t rows = rows_in(x), in = layer.w.size(0), out = layer.w.size(1);
  if (is_small(rows, in, out)) {
    multiply({.rows = rows,
              .depth = in,
              .columns = out,
              .left = x.data_ptr<float>(),
              .left_row = in,
              .left_depth = 1,
              .right = layer.w.data_ptr<float>(),
              .right_row = out,
              .out = y.data_ptr<float>(),
              .bias = elements_or_null(layer.b),
              .relu = relu});
    return;
  }
  Tensor to = as_matrix(y);
  if (layer.b.defined()) {
    at::addmm_out(to, layer.b, as_matrix(x), layer.w);
  } else {
    at::mm_out(to, as_matrix(x), layer.w);
  }
  if (relu) to.relu_();
}

// dw = x^T dy
Tensor gradient_of_w(const Tensor& x, const Tensor& dy) {
  const int64_t rows = rows_in(x), in = x.size(-1), out = dy.size(-1);
  if (!is_small(in, rows, out)) {
    return at::mm(as_matrix(x).t(), as_matrix(dy));
  }
  const Tensor dw = new_floats({in, out});
  multiply({.rows = in,
            .depth = rows,
            .columns = out,
            .left = x.data_ptr<float>(),
            .left_row = 1,
            .left_depth = in,
            .right = dy.data_ptr<float>(),
            .right_row = out,
            .out = dw.data_ptr<float>()});
  return dw;
}

// db: the sum of the rows of dy.
Tensor gradient_of_b(const Tensor& dy) {
  const int64_t rows = rows_in(dy), out = dy.size(-1);
  if (!is_small(1, rows, out)) return as_matrix(dy).sum(0);
  const Tensor db = new_floats({out});
  const float one = 1;  // All of the left matrix.
  multiply({.rows = 1,
            .depth = rows,
            .columns = out,
            .left = &one,
            .left_row = 0,
            .left_depth = 0,
            .right = dy.data_ptr<float>(),
            .right_row = out,
            .out = db.data_ptr<float>()});
  return db;
}

// 0 where the relu that gave y was at its flat side, NaN being on the other.
Tensor through_relu(const Tensor& dy, const Tensor& y) {
  return at::threshold_backward(dy, y, 0);
}

// dx = dy w^T; then that through the relu which gave x, if `relu`.
Tensor gradient_of_x(const Tensor& dy, const Tensor& w, const Tensor& x,
                     bool relu) {
  const int64_t rows = rows_in(dy), in = w.size(0), out = w.size(1);
  if (!is_small(rows, out, in)) {
    const Tensor dx = at::mm(as_matrix(dy), w.t()).view(x.sizes());
    return relu ? through_relu(dx, x) : dx;
  }
  const Tensor transposed = new_floats({out, in});
  transpose(in, out, w.data_ptr<float>(), transposed.data_ptr<float>());
  const Tensor dx = new_floats(x.sizes());
  multiply({.rows = rows,
            .depth = out,
            .columns = in,
            .left = dy.data_ptr<float>(),
            .left_row = out,
            .left_depth = 1,
            .right = transposed.data_ptr<float>(),
            .right_row = in,
            .out = dx.data_ptr<float>(),
            .gate = relu ? x.data_ptr<float>() : nullptr});
  return dx;
}

// The same by libtorch's operations, to be differentiated again. `all` are x,
// then w and b of each layer.
Tensor by_operations(const variable_list& all, bool relu_last) {
  Tensor y = all[0];
  for (size_t i = 1; i < all.size(); i += 2) {
    y = at::matmul(y, all[i]);
    if (all[i + 1].defined()) y = y + all[i + 1];
    if (relu_last || i + 2 < all.size()) y = y.relu();
  }
  return y;
}

struct DenseLayersNode : ChainNode {
  std::vector<SavedVariable> arguments;  // x, then w and b of each layer.
  std::vector<Tensor> between;           // Results of all layers but the last.
  SavedVariable y;                       // Where relu_last.
  bool relu_last = false;

  std::string name() const override { return "DenseLayersBackward"; }

  void release_variables() override {
    const std::lock_guard lock(mutex_);
    for (SavedVariable& saved : arguments) saved.reset_data();
    y.reset_data();
    between.clear();
  }

  variable_list apply(variable_list&& d) override {
    const std::lock_guard lock(mutex_);
    variable_list all;
    all.reserve(arguments.size());
    for (const SavedVariable& saved : arguments) all.push_back(saved.unpack());
    if (!d[0].defined()) return variable_list(all.size());
    if (at::GradMode::is_enabled() || !is_floats(d[0])) {
      return by_differentiable_operations(all, d[0]);
    }
    Tensor dy = d[0].contiguous();
    if (relu_last) dy = through_relu(dy, y.unpack());
    return gradients(all, dy);
  }

 private:
  variable_list by_differentiable_operations(const variable_list& all,
                                             const Tensor& d) const {
    const bool again = at::GradMode::is_enabled();
    const at::AutoGradMode records(true);
    variable_list gradients = differentiable_gradients(
        [&](const variable_list& given) -> variable_list {
          return {by_operations(given, relu_last)};
        },
        all, {d});
    for (Tensor& gradient : gradients) {
      if (!again && gradient.defined()) gradient = gradient.detach();
    }
    return gradients;
  }

  // From those of the last layer's result, before its relu.
  variable_list gradients(const variable_list& all, Tensor dy) const {
    variable_list result(all.size());
    for (size_t layer = between.size() + 1; layer-- > 0;) {
      const size_t w = 2 * layer + 1, b = w + 1;
      const Tensor& x = layer == 0 ? all[0] : between[layer - 1];
      if (task_should_compute_output(w)) result[w] = gradient_of_w(x, dy);
      if (task_should_compute_output(b)) result[b] = gradient_of_b(dy);
      if (!is_wanted_before(w)) break;
      dy = gradient_of_x(dy, all[w], x, /*relu=*/layer > 0);
    }
    if (task_should_compute_output(0)) result[0] = dy;
    return result;
  }

  bool is_wanted_before(size_t argument) const {
    for (size_t i = 0; i < argument; ++i) {
      if (task_should_compute_output(i)) return true;
    }
    return false;
  }
};

// Computes y, and what is between layers into `between` if that is given.
Tensor run_layers(const Tensor& x, at::ArrayRef<DenseLayer> layers,
                  bool relu_last, std::vector<Tensor>* between) {
  at::DimVector sizes(x.sizes());
  Tensor now = x;
  for (size_t i = 0; i < layers.size(); ++i) {
    const bool is_last = i + 1 == layers.size();
    sizes.back() = layers[i].w.size(1);
    const Tensor y = new_floats(sizes);
    forward_layer(now, layers[i], relu_last || !is_last, y);
    now = y;
    if (between != nullptr && !is_last) between->push_back(y);
  }
  return now;
}

bool any_wants_gradient(const Tensor& x, at::ArrayRef<DenseLayer> layers) {
  if (wants_gradient({&x})) return true;
  for (const DenseLayer& layer : layers) {
    if (wants_gradient({&layer.w, &layer.b})) return true;
  }
  return false;
}

Tensor forward_with_gradients(const Tensor& x, at::ArrayRef<DenseLayer> layers,
                              bool relu_last) {
  const auto node = make_node<DenseLayersNode>();
  torch::autograd::edge_list edges;
  const auto add = [&](const Tensor& t) {
    edges.push_back(t.defined() ? torch::autograd::impl::gradient_edge(t)
                                : torch::autograd::Edge());
    node->arguments.emplace_back(t, /*is_output=*/false);
  };
  edges.reserve(2 * layers.size() + 1);
  node->arguments.reserve(2 * layers.size() + 1);
  add(x);
  for (const DenseLayer& layer : layers) {
    add(layer.w);
    add(layer.b);
  }
  node->set_next_edges(std::move(edges));
  node->relu_last = relu_last;

  const at::NoGradGuard no_grad;
  node->between.reserve(layers.size() - 1);
  Tensor y = run_layers(x, layers, relu_last, &node->between);
  if (relu_last) node->y = SavedVariable(y.detach(), /*is_output=*/false);
  torch::autograd::set_history(y, node);
  return y;
}

}  // namespace

bool takes_dense_layers(const Tensor& x, at::ArrayRef<DenseLayer> layers) {
  if (!switches().fast_layers.load(std::memory_order_relaxed)) return false;
  if (layers.empty() || !nothing_watches() || !nothing_intercepts()) {
    return false;
  }
  const auto fits = [](const Tensor& t) {
    return is_plain(t) && t.is_contiguous();
  };
  if (!fits(x) || x.dim() < 2) return false;
  int64_t size = x.size(-1);
  for (const DenseLayer& layer : layers) {
    if (!fits(layer.w) || layer.w.dim() != 2 || layer.w.size(0) != size) {
      return false;
    }
    size = layer.w.size(1);
    if (!layer.b.defined()) continue;
    if (!fits(layer.b) || layer.b.dim() != 1 || layer.b.size(0) != size) {
      return false;
    }
  }
  return true;
}

Tensor dense_layers(const Tensor& x, at::ArrayRef<DenseLayer> layers,
                    bool relu_last) {
  if (any_wants_gradient(x, layers)) {
    return forward_with_gradients(x, layers, relu_last);
  }
  const at::NoGradGuard no_grad;
  return run_layers(x, layers, relu_last, nullptr);
}

}  // namespace snt::kernels
