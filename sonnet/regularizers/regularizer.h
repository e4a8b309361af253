// File: regularizers/regularizer.h
// A penalty on a list of tensors, to be added to a loss.

#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "sonnet/core/callable.h"
#include "sonnet/core/variable.h"

namespace snt {

// Any callable (tensors) -> scalar: a struct of snt::regularizers, or a
// function of one's own.
//
//     snt::Regularizer penalty = snt::regularizers::L2{1e-4};
//     at::Tensor loss = penalty({at::ones({2, 3}), at::ones({3})});
//
// Sonnet's base class of this name.
using Regularizer = Callable<at::Tensor(const std::vector<at::Tensor>&)>;

namespace regularizers {

using snt::Regularizer;

namespace detail {

// Throws ValueError unless scale >= 0.
void check_scale(double scale, const char* who);

// scale * (term(tensors[0]) + term(tensors[1]) + ...); without tensors 0, in
// float32 on the CPU.
at::Tensor scaled_sum(double scale, const std::vector<at::Tensor>& tensors,
                      at::Tensor (*term)(const at::Tensor&));

// The values of variables. Throws NotBuiltError where there is none yet.
std::vector<at::Tensor> values(const std::vector<Variable>& variables);

}  // namespace detail
}  // namespace regularizers
}  // namespace snt
