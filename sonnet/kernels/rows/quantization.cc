#include "sonnet/kernels/rows/quantization.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/custom_function.h>

#include "sonnet/kernels/differentiable_gradients.h"
#include "sonnet/kernels/plain.h"
#include "sonnet/kernels/rows/nearest.h"
#include "sonnet/kernels/switches.h"

namespace snt::kernels {
namespace {

using at::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

Tensor loss_of(const Nearest& found, const QuantizationLoss& weights) {
  const auto error = static_cast<float>(
      found.error / static_cast<double>(found.quantized.numel()));
  float loss = static_cast<float>(weights.to_e) * error;
  if (weights.to_x != 0) loss += static_cast<float>(weights.to_x) * error;
  return at::full({}, loss, found.quantized.options());
}

// The same by libtorch's operations, to be differentiated again.
variable_list quantize_by_operations(const Tensor& x, const Tensor& table,
                                     const Tensor& indices,
                                     const QuantizationLoss& weights) {
  const Tensor nearest = table.t().index_select(0, indices);
  const auto error = [](const Tensor& e, const Tensor& x) {
    const Tensor off = e - x;
    return (off * off).mean();
  };
  return {x + (nearest - x).detach(),
          weights.to_x * error(nearest, x.detach()) +
              weights.to_e * error(nearest.detach(), x),
          (x * x).sum(1, /*keepdim=*/true) - 2 * at::mm(x, table) +
              (table * table).sum(0, /*keepdim=*/true)};
}

// Gradients of the results; undefined ones are zero.
struct ResultGradients {
  Tensor quantized, loss, distances;

  // d loss / d e = factor (e - x) for each number, where `weight` is to_x.
  float factor(double weight, const Tensor& x) const {
    if (!loss.defined()) return 0;
    return static_cast<float>(2 * weight / static_cast<double>(x.numel())) *
           loss.item<float>();
  }
};

Tensor sum_if_defined(const Tensor& a, const Tensor& b) {
  return !a.defined() ? b : !b.defined() ? a : a + b;
}

Tensor gradient_of_x(const ResultGradients& d, const Tensor& x,
                     const Tensor& embeddings, const Tensor& indices,
                     double to_e) {
  Tensor result = d.quantized;
  if (d.loss.defined()) {
    result = pull(result.defined() ? result.contiguous() : result, x,
                  embeddings, indices, d.factor(to_e, x));
  }
  if (!d.distances.defined()) return result;
  return sum_if_defined(result, 2 * (x * d.distances.sum(1, /*keepdim=*/true) -
                                     at::mm(d.distances, embeddings)));
}

Tensor gradient_of_table(const ResultGradients& d, const Tensor& x,
                         const Tensor& table, const Tensor& embeddings,
                         const Tensor& indices, double to_x) {
  Tensor result;
  if (d.loss.defined() && to_x != 0) {
    const Choosers who = choosers(indices, table.size(1));
    result =
        (sum_rows(x, embeddings, who) * -d.factor(to_x, x)).t().contiguous();
  }
  if (!d.distances.defined()) return result;
  return sum_if_defined(result,
                        2 * (table * d.distances.sum(0, /*keepdim=*/true) -
                             at::mm(x.t(), d.distances)));
}

struct QuantizationNode : torch::autograd::Function<QuantizationNode> {
  static variable_list forward(AutogradContext* context, const Tensor& x,
                               const Tensor& table,
                               const QuantizationLoss& weights,
                               Nearest* found) {
    *found = find_nearest(x, table);
    context->save_for_backward({x, table, found->embeddings, found->indices});
    context->saved_data["to_x"] = weights.to_x;
    context->saved_data["to_e"] = weights.to_e;
    context->set_materialize_grads(false);
    return {found->quantized, loss_of(*found, weights), found->distances};
  }

  static variable_list backward(AutogradContext* context,
                                const variable_list& d) {
    const variable_list saved = context->get_saved_variables();
    const Tensor &x = saved[0], &table = saved[1];
    const Tensor &embeddings = saved[2], &indices = saved[3];
    const QuantizationLoss weights = {context->saved_data["to_x"].toDouble(),
                                      context->saved_data["to_e"].toDouble()};
    variable_list gradients(4);
    if (at::GradMode::is_enabled()) {  // create_graph
      gradients = differentiable_gradients(
          [&](const variable_list& all) {
            return quantize_by_operations(all[0], all[1], indices, weights);
          },
          {x, table}, d);
      gradients.resize(4);
      return gradients;
    }
    const ResultGradients all = {d[0], d[1], d[2]};
    if (context->needs_input_grad(0)) {
      gradients[0] = gradient_of_x(all, x, embeddings, indices, weights.to_e);
    }
    if (context->needs_input_grad(1)) {
      gradients[1] =
          gradient_of_table(all, x, table, embeddings, indices, weights.to_x);
    }
    return gradients;
  }
};

Tensor counts_of(const Choosers& who, const Tensor& like) {
  const int64_t k = static_cast<int64_t>(who.starts.size()) - 1;
  Tensor counts = at::empty({k}, like.options());
  for (int64_t i = 0; i < k; ++i) {
    counts.data_ptr<float>()[i] =
        static_cast<float>(who.starts[i + 1] - who.starts[i]);
  }
  return counts;
}

}  // namespace

bool takes_quantization(const Tensor& x, const Tensor& table) {
  return switches().fast_quantizers.load(std::memory_order_relaxed) &&
         is_plain(x) && is_plain(table) && nothing_watches();
}

Quantization quantize_vectors(const Tensor& x, const Tensor& table,
                              const QuantizationLoss& loss, bool wants_sums) {
  const Tensor rows = x.contiguous();
  Nearest found;
  Quantization result;
  if (wants_gradient({&x, &table})) {
    const variable_list y = QuantizationNode::apply(rows, table, loss, &found);
    result.quantized = y[0];
    result.loss = y[1];
    result.distances = y[2];
  } else {
    found = find_nearest(rows, table);
    result.quantized = found.quantized;
    result.loss = loss_of(found, loss);
    result.distances = found.distances;
  }

  const at::NoGradGuard no_grad;
  const Choosers who = choosers(found.indices, table.size(1));
  result.encodings = found.encodings;
  result.indices = found.indices;
  result.counts = counts_of(who, table);
  if (wants_sums) {
    // In a product, 0 times what is not finite gets into all sums.
    result.sums = found.is_finite
                      ? sum_rows(rows, Tensor(), who).t().contiguous()
                      : at::mm(rows.t(), found.encodings);
  }
  return result;
}

}  // namespace snt::kernels
