// File: layers/batch_apply.h
// Several leading dimensions treated as one batch.

#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <span>
#include <string>

#include "sonnet/core/layer.h"

namespace snt {

// Merges the first `num_dims` dimensions of every tensor it is given, calls
// `module`, and splits the first dimension of every tensor that comes back into
// those of the first tensor given.
//
//   x  [d_1, ..., d_n, ...]  ->  [d_1 ... d_n, ...]  ->  module
//   y  [d_1, ..., d_n, ...]                          <-  [d_1 ... d_n, ...]
//
// Tensors with fewer dimensions, and arguments that are no tensors, are passed
// on as they are. Copies share the module.
//
//     snt::BatchApply steps{snt::Linear{10}};
//     at::Tensor y = steps(at::ones({7, 8, 4}));  // [T, B, 4] -> [T, B, 10]
//
// Throws ValueError without a tensor among the arguments. Source: sonnet/src/
// batch_apply.py.
struct BatchApply {
  Layer module;           // Any module or function.
  int64_t num_dims = 2;   // Leading dimensions that are merged; >= 1.
  std::string name = {};  // Replaces the field's name in tables.

  // Throws ValueError when num_dims < 1.
  void check() const;

  // The module applied to x with merged dimensions.
  at::Tensor operator()(const at::Tensor& x) const;
  // The same with further arguments.
  template <class... Args>
  requires(sizeof...(Args) > 0) at::Tensor operator()(
      const at::Tensor& x, const Args&... args) const {
    const std::array<Nest, 1 + sizeof...(Args)> nests = {Nest(x),
                                                         to_nest(args)...};
    return call(std::span<const Nest>(nests)).tensor();
  }
  // The same with any nests.
  Nest call(std::span<const Nest> args) const;
};

// Merges the first `num_dims` dimensions of x; x of lower rank stays as it is.
//
//     at::Tensor y = snt::merge_leading_dims(at::ones({7, 8, 4}));  // [56, 4]
at::Tensor merge_leading_dims(const at::Tensor& x, int64_t num_dims = 2);

// Splits the first dimension of x into the first `num_dims` of `example`, or
// into all of them where it has fewer.
//
//     at::Tensor x = at::ones({7, 8, 4});
//     at::Tensor y =
//         snt::split_leading_dim(at::ones({56, 3}), x);  // [7, 8, 3]
//
// Throws ValueError when the sizes do not fit.
at::Tensor split_leading_dim(const at::Tensor& x, const at::Tensor& example,
                             int64_t num_dims = 2);

}  // namespace snt
