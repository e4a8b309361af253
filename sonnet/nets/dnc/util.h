// File: nets/dnc/util.h
// Small tensor functions of the differentiable neural computer.

#pragma once

#include <ATen/core/Tensor.h>

#include <utility>
#include <vector>

#include "sonnet/core/activation.h"
#include "sonnet/core/layer.h"

namespace snt::nets::dnc::util {

// Cuts the dimension `dim` of x into pieces and gives each a shape in its
// place. What is left over is dropped.
//
//     auto pieces = snt::nets::dnc::util::segment_dim(
//         at::ones({2, 14, 3}), /*dim=*/1, {{3, 3}, {5}});
//     // pieces[0]: [2, 3, 3, 3], pieces[1]: [2, 5, 3]
//
// Throws ValueError for a dim that x does not have, and for shapes with more
// values than there are. Source: sonnet/src/nets/dnc/util.py, as all here.
std::vector<at::Tensor> segment_dim(
    const at::Tensor& x, int64_t dim,
    const std::vector<std::vector<int64_t>>& shapes);

// The inverse of each row of permutations [batch, n], which hold 0 ... n - 1.
//
// Throws ValueError for another rank, or a row that is no permutation.
at::Tensor batch_invert_permutation(const at::Tensor& permutations);

// Row by row values[indices]: values [batch, n, ...], indices [batch, ...].
//
// Throws ValueError for an index outside [0, n).
at::Tensor batch_gather(const at::Tensor& values, const at::Tensor& indices);

// Zeros of `length` float64 numbers with a one at `index`, which may count from
// the end.
//
// Throws ValueError for an index that there is not.
at::Tensor one_hot(int64_t length, int64_t index);

// activation(module(x)).
at::Tensor apply_linear(const at::Tensor& x, const Layer& module,
                        const Activation& activation = activations::identity);
// The same for two inputs: activation(module_1(x_1) + module_2(x_2)).
at::Tensor apply_linear(const std::pair<at::Tensor, at::Tensor>& inputs,
                        const std::pair<Layer, Layer>& modules,
                        const Activation& activation = activations::identity);

// activation(module_1(x_1) + module_2(x_2)), the sum itself where activation
// is unset.
//
//     at::Tensor y = snt::nets::dnc::util::apply_split_linear(
//         snt::Linear{3}, snt::Linear{3}, at::ones({2, 4}), at::ones({2, 5}),
//         snt::activations::tanh);  // y: [2, 3]
at::Tensor apply_split_linear(const Layer& module_1, const Layer& module_2,
                              const at::Tensor& x_1, const at::Tensor& x_2,
                              const Activation& activation = {});

}  // namespace snt::nets::dnc::util
