#include "sonnet/nets/mlp.h"

#include <ATen/ATen.h>
#include <c10/util/SmallVector.h>

#include "sonnet/core/activation.h"
#include "sonnet/core/errors.h"
#include "sonnet/core/scope.h"
#include "sonnet/kernels/plain.h"
#include "sonnet/kernels/products/dense_layers.h"
#include "sonnet/layers/dropout.h"

namespace snt::nets {
namespace {

bool is_relu(const Activation& activation) {
  const auto* named = activation.get_if<NamedFunction>();
  return named != nullptr && named->function == activations::relu.function;
}

// activation(y) of what a layer has just made, in its memory if that can be.
at::Tensor activated(const Activation& activation, const at::Tensor& y) {
  return is_relu(activation) && kernels::is_plain(y) &&
                 kernels::nothing_watches()
             ? y.relu_()
             : activation(y);
}

// All layers as one operation; an undefined tensor where that cannot be, where
// variables are still to be made, and where a layer has to complain.
at::Tensor at_once(const MLP& mlp, const at::Tensor& x) {
  if (snt::detail::read_hook != nullptr || mlp.layers.empty()) return {};
  c10::SmallVector<kernels::DenseLayer, 4> layers;
  for (const Linear& layer : mlp.layers) {
    if (!layer.w.has_value() || layer.with_bias != layer.b.has_value()) {
      return {};
    }
    const at::Tensor& w = layer.w.value();
    if (w.size(1) != layer.output_size) return {};
    layers.push_back({w, layer.with_bias ? layer.b.value() : at::Tensor()});
  }
  if (!kernels::takes_dense_layers(x, layers)) return {};
  const name_scope scope("MLP", mlp.layers[0].w);
  return kernels::dense_layers(x, layers, mlp.activate_final);
}

}  // namespace

std::vector<Linear> detail::make_linears(
    const std::vector<int64_t>& output_sizes, const Initializer& w_init,
    const Initializer& b_init, bool with_bias) {
  std::vector<Linear> layers;
  layers.reserve(output_sizes.size());
  for (size_t i = 0; i < output_sizes.size(); ++i) {
    layers.push_back({.output_size = output_sizes[i],
                      .with_bias = with_bias,
                      .w_init = w_init,
                      .b_init = b_init,
                      .name = "linear_" + std::to_string(i)});
  }
  return layers;
}

void MLP::check() const {
  snt::check(with_bias || !b_init, "MLP",
             "When with_bias=False b_init must not be set.");
  const double rate = dropout_rate.value_or(0);
  snt::check(rate >= 0 && rate < 1, "MLP",
             "dropout_rate must be in [0, 1), got ", rate);
}

at::Tensor MLP::operator()(const at::Tensor& x,
                           const std::optional<BoolLike>& is_training) const {
  if (layers.empty() || !layers[0].w.is_built()) check();
  const bool use_dropout = dropout_rate.value_or(0) != 0;
  snt::check(!use_dropout || is_training.has_value(), "MLP",
             "The `is_training` argument is required when dropout is used.");
  snt::check(use_dropout || !is_training.has_value(), "MLP",
             "The `is_training` argument should only be used with dropout.");

  const bool drops =
      use_dropout && snt::detail::is_true(*is_training, "is_training", "MLP");
  if (!drops && is_relu(activation)) {
    if (at::Tensor y = at_once(*this, x); y.defined()) return y;
  }
  at::Tensor y = x;
  for (size_t i = 0; i < layers.size(); ++i) {
    y = layers[i](y);
    if (i + 1 == layers.size() && !activate_final) break;
    if (drops) y = dropout(y, *dropout_rate);
    y = activated(activation, y);
  }
  return y;
}

MLP MLP::reverse(std::optional<bool> final_too,
                 const std::optional<std::string>& new_name) const {
  std::vector<int64_t> sizes;
  for (auto layer = layers.rbegin(); layer != layers.rend(); ++layer) {
    sizes.push_back(layer->input_size());
  }
  return {
      .output_sizes = std::move(sizes),
      .w_init = w_init,
      .b_init = b_init,
      .with_bias = with_bias,
      .activation = activation,
      .dropout_rate = dropout_rate,
      .activate_final = final_too.value_or(activate_final),
      .name = new_name.value_or((name.empty() ? "mlp" : name) + "_reversed")};
}

}  // namespace snt::nets
