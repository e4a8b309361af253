// File: regularizers/off_diagonal_orthogonal.h
// A penalty on columns that are not orthogonal.

#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "sonnet/core/required.h"
#include "sonnet/core/variable.h"
#include "sonnet/regularizers/regularizer.h"

namespace snt::regularizers {

// Products of different columns, squared: with each tensor t as the matrix w
// of its columns and gram = w^T w,
//
//   loss = scale * sum over all tensors of sum over i != j of gram[i, j]^2
//
//   tensors  [..., columns], rank >= 2, as [product of ..., columns]; or none
//   loss     [], dtype of the tensors
//
//     snt::regularizers::OffDiagonalOrthogonal orthogonal{1e-4};
//     at::Tensor zero = orthogonal({at::eye(3)});
//
// The length of the columns is free, unlike in a penalty on w^T w - I. Prints
// as "Orthogonal(scale=0.0001)", as in Sonnet. Large scale GAN training for
// high fidelity natural image synthesis, Brock et al. 2018,
// https://arxiv.org/abs/1809.11096.
//
// Throws ValueError when scale < 0 or a tensor has rank < 2, NotBuiltError for
// a variable without value.
struct OffDiagonalOrthogonal {
  static constexpr const char* repr_name = "Orthogonal";

  Required<double> scale;  // Weight of the penalty, >= 0.

  // Throws ValueError unless scale >= 0.
  void check() const;

  // The penalty on tensors, or on the values of variables.
  at::Tensor operator()(const std::vector<at::Tensor>& tensors) const;
  at::Tensor operator()(const std::vector<Variable>& variables) const;
};

}  // namespace snt::regularizers
