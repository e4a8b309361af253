// File: regularizers/l1_l2.h
// Penalties on the size of parameters: L1, L2.

#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "sonnet/core/required.h"
#include "sonnet/core/variable.h"
#include "sonnet/regularizers/regularizer.h"

namespace snt::regularizers {

// Absolute values: loss = scale * sum over all tensors of sum |t|.
//
//   tensors  any shapes; none gives 0
//   loss     [], dtype of the tensors
//
//     snt::regularizers::L1 l1{0.01};
//     at::Tensor loss = l1({at::ones({2, 3}), at::ones({3})});  // 0.09
//
// Throws ValueError when scale < 0, NotBuiltError for a variable without value.
struct L1 {
  Required<double> scale;  // Weight of the penalty, >= 0.

  // Throws ValueError unless scale >= 0.
  void check() const;

  // scale * sum |t|, also of the values of variables.
  at::Tensor operator()(const std::vector<at::Tensor>& tensors) const;
  at::Tensor operator()(const std::vector<Variable>& variables) const;
};

// Squares: loss = scale * sum over all tensors of sum t^2. There is no factor
// 1/2, and this is not the decoupled weight decay of an optimizer.
//
//   tensors  any shapes; none gives 0
//   loss     [], dtype of the tensors
//
//     snt::nets::MLP mlp{.output_sizes = {8, 2}};
//     at::Tensor y = mlp(at::ones({4, 3}));
//     snt::regularizers::L2 l2{1e-4};
//     at::Tensor loss = y.mean() + l2(snt::trainable_variables(mlp));
//
// Throws ValueError when scale < 0, NotBuiltError for a variable without value.
struct L2 {
  Required<double> scale;  // Weight of the penalty, >= 0.

  // Throws ValueError unless scale >= 0.
  void check() const;

  // scale * sum t^2, also of the values of variables.
  at::Tensor operator()(const std::vector<at::Tensor>& tensors) const;
  at::Tensor operator()(const std::vector<Variable>& variables) const;
};

}  // namespace snt::regularizers
