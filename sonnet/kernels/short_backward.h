// File: kernels/short_backward.h
// Gradients along a chain of this library's own nodes, without autograd's
// engine: that takes as long as a small network's arithmetic.

#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <vector>

namespace snt::kernels {

// d loss / d leaf for each of `leaves`, undefined where the loss does not
// depend on it, as torch::autograd::grad gives them without `create_graph`.
// Nothing has happened where there is no result: where the graph is anything
// else than a chain of nodes of autograd_node.h whose other edges lead to these
// leaves, each once; where somebody listens with hooks, looks for anomalies or
// traces.
std::optional<std::vector<at::Tensor>> short_backward(
    const at::Tensor& loss, const at::Tensor& d_loss,
    const std::vector<at::Tensor>& leaves, bool retain_graph);

}  // namespace snt::kernels
