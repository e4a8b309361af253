// File: initializers/orthogonal.h
// Random orthogonal matrices.

#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>

namespace snt::initializers {

// A random matrix with orthogonal columns (rows, where it has fewer rows than
// columns) of length gain, uniform among all such matrices:
//
//   normal = q r, x = gain q sign(diag r)   with `normal` of N(0, 1) numbers
//
//   shape  [..., columns], rank >= 2, as the matrix [product of ..., columns]
//   dtype  any floating dtype
//
//     at::Tensor w = snt::initializers::Orthogonal{}({8, 4});
//     at::Tensor identity = at::matmul(w.t(), w);  // [4, 4]
//
// Exact solutions to the nonlinear dynamics of learning in deep linear neural
// networks, Saxe et al. 2013, https://arxiv.org/abs/1312.6120.
//
// Throws ValueError when `shape` has rank < 2 or `dtype` is not floating.
struct Orthogonal {
  double gain = 1.0;                 // Length of the columns or rows.
  std::optional<int64_t> seed = {};  // Unset: the stream of the Variable.

  // A new random matrix, in the shape asked for.
  at::Tensor operator()(at::IntArrayRef shape,
                        at::ScalarType dtype = at::kFloat) const;
};

}  // namespace snt::initializers
