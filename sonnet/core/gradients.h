// File: core/gradients.h
// Gradients of a loss, and their clipping.

#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "sonnet/core/tree.h"
#include "sonnet/core/variable.h"

namespace snt {

// How gradients are computed.
struct GradientsOptions {
  bool create_graph = false;  // The gradients can be differentiated again.
  bool retain_graph = false;  // The loss can be differentiated again.
};

// d loss / d variable for each variable; of the sum when `loss` is no scalar.
// Where the loss does not depend on a variable the gradient is an undefined
// tensor, never zeros; optimizers pass over those. Embed's gradients are sparse
// unless it densifies them.
//
//     snt::Linear linear{1};
//     at::Tensor loss = linear(at::ones({2, 3})).sum();
//     auto parameters = snt::trainable_variables(linear);
//     std::vector<at::Tensor> gradients = snt::gradients(loss, parameters);
//
// Throws NotBuiltError for a variable without a value.
std::vector<at::Tensor> gradients(const at::Tensor& loss,
                                  const std::vector<Variable>& variables,
                                  GradientsOptions options = {});

// The same with respect to tensors that require gradients.
//
// Throws ValueError for a tensor that does not.
std::vector<at::Tensor> gradients(const at::Tensor& loss,
                                  const std::vector<at::Tensor>& tensors,
                                  GradientsOptions options = {});

// The same with respect to the leaves of a tree, as a tree.
template <class T>
requires(std::is_class_v<T> && !std::is_convertible_v<T, at::Tensor>) T
    gradients(const at::Tensor& loss, const T& tree,
              GradientsOptions options = {}) {
  return tree::unflatten(tree, gradients(loss, tree::flatten(tree), options));
}
inline at::Tensor gradients(const at::Tensor& loss, const at::Tensor& tensor,
                            GradientsOptions options = {}) {
  return gradients(loss, std::vector<at::Tensor>{tensor}, options)[0];
}

// Gradients whose common norm is bounded, and that norm before.
struct ClippedGradients {
  std::vector<at::Tensor> gradients;  // As given, scaled.
  at::Tensor norm;                    // Scalar: sqrt of the sum of all squares.
};

// g * max_norm / max(norm, max_norm) for each gradient, with the common norm
// of all of them (Pascanu et al. 2013, "On the difficulty of training recurrent
// neural networks"). Undefined gradients stay undefined, sparse ones sparse;
// duplicate rows of a sparse one are summed first.
//
//     std::vector<at::Tensor> g = {at::full({4}, 3.0)};
//     auto [clipped, norm] = snt::clip_by_global_norm(g, 1.0);  // norm: 6
//
// Throws ValueError when max_norm is not positive.
ClippedGradients clip_by_global_norm(const std::vector<at::Tensor>& gradients,
                                     double max_norm);

}  // namespace snt
