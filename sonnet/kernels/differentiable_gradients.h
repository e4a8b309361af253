// File: kernels/differentiable_gradients.h
// Second derivatives for kernels that have first ones only.

#pragma once

#include <ATen/core/Tensor.h>
#include <c10/util/FunctionRef.h>

#include <vector>

namespace snt::kernels {

// The gradients of f(arguments), made of libtorch's operations, for those
// arguments that require them, as functions that can be differentiated again.
// `d` are those of the results; undefined ones are zero. Undefined arguments
// have none.
std::vector<at::Tensor> differentiable_gradients(
    c10::function_ref<std::vector<at::Tensor>(const std::vector<at::Tensor>&)>
        f,
    const std::vector<at::Tensor>& arguments, const std::vector<at::Tensor>& d);

}  // namespace snt::kernels
