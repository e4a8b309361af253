#include "sonnet/core/gradients.h"

#include <ATen/ATen.h>
#include <ATen/EmptyTensor.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>

#include "sonnet/core/errors.h"
#include "sonnet/core/half.h"
#include "sonnet/kernels/plain.h"
#include "sonnet/kernels/short_backward.h"

namespace snt {
namespace {

// Ones, without the operators' detours for the usual loss.
at::Tensor one_for(const at::Tensor& loss) {
  if (loss.dim() != 0 || !kernels::is_plain(loss)) return at::ones_like(loss);
  at::Tensor one = at::detail::empty_cpu({}, at::kFloat);
  *one.data_ptr<float>() = 1;
  return one;
}

// Of tensors that require them.
std::vector<at::Tensor> ask(const at::Tensor& loss,
                            const std::vector<at::Tensor>& sources,
                            const GradientsOptions& options) {
  const at::Tensor one = one_for(loss);
  const bool retain_graph = options.retain_graph || options.create_graph;
  if (!options.create_graph) {
    auto found = kernels::short_backward(loss, one, sources, retain_graph);
    if (found) return *std::move(found);
  }
  return torch::autograd::grad({loss}, sources, {one}, retain_graph,
                               options.create_graph, /*allow_unused=*/true);
}

std::vector<at::Tensor> differentiate(const at::Tensor& loss,
                                      const std::vector<at::Tensor>& sources,
                                      const GradientsOptions& options) {
  check(loss.defined(), "gradients", "the loss must be defined");
  std::vector<at::Tensor> result(sources.size());
  if (!loss.requires_grad()) return result;

  // Frozen variables and integers have no gradient; autograd refuses them.
  std::vector<at::Tensor> asked;
  for (const at::Tensor& source : sources) {
    if (source.requires_grad()) asked.push_back(source);
  }
  if (asked.empty()) return result;
  const std::vector<at::Tensor> given = ask(loss, asked, options);

  size_t next = 0;
  for (size_t i = 0; i < sources.size(); ++i) {
    if (sources[i].requires_grad()) result[i] = given[next++];
  }
  return result;
}

}  // namespace

std::vector<at::Tensor> gradients(const at::Tensor& loss,
                                  const std::vector<Variable>& variables,
                                  GradientsOptions options) {
  std::vector<at::Tensor> sources;
  sources.reserve(variables.size());
  for (const Variable& variable : variables) {
    sources.push_back(detail::source(variable));
  }
  return differentiate(loss, sources, options);
}

std::vector<at::Tensor> gradients(const at::Tensor& loss,
                                  const std::vector<at::Tensor>& tensors,
                                  GradientsOptions options) {
  for (const at::Tensor& tensor : tensors) {
    check(tensor.requires_grad(), "gradients",
          "a tensor must require gradients (set_requires_grad(true)), got one "
          "of shape ",
          tensor.sizes(), " that does not");
  }
  return differentiate(loss, tensors, options);
}

ClippedGradients clip_by_global_norm(const std::vector<at::Tensor>& gradients,
                                     double max_norm) {
  check(max_norm > 0, "clip_by_global_norm", "max_norm must be > 0, got ",
        max_norm);
  std::vector<at::Tensor> result(gradients.size());
  std::vector<at::Tensor> norms;
  for (size_t i = 0; i < gradients.size(); ++i) {
    const at::Tensor& gradient = gradients[i];
    if (!gradient.defined()) continue;
    result[i] = gradient.is_sparse() ? gradient.coalesce() : gradient;
    const at::Tensor values =
        result[i].is_sparse() ? result[i]._values() : result[i];
    const at::Tensor norm = detail::widened(values).norm();
    norms.push_back(norms.empty() ? norm : norm.to(norms[0].options()));
  }
  if (norms.empty()) return {std::move(result), at::zeros({})};
  const at::Tensor norm = at::stack(norms).norm();
  // max_norm / max(norm, max_norm), also for an infinite max_norm.
  const at::Tensor scale = (max_norm / norm).clamp_max(1);
  for (at::Tensor& gradient : result) {
    if (!gradient.defined()) continue;
    const at::Tensor factor =
        scale.to(gradient.device(), gradient.scalar_type());
    if (gradient.is_sparse()) {
      gradient =
          at::sparse_coo_tensor(gradient._indices(),
                                gradient._values() * factor, gradient.sizes())
              ._coalesced_(true);
    } else {
      gradient = gradient * factor;
    }
  }
  return {std::move(result), norm};
}

}  // namespace snt
