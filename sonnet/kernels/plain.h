// File: kernels/plain.h
// What kernels that look at memory may be given.

#pragma once

#include <ATen/core/Tensor.h>

#include <initializer_list>

namespace snt::kernels {

// Whether its memory holds the numbers it stands for, as float32 on a CPU:
// dense with any strides, no wrapper (of a transform, a negated or a zero
// tensor), without names.
bool is_floats(const at::Tensor& tensor);

// The same, for what takes part in a computation: with elements, and without
// forward-mode gradients.
bool is_plain(const at::Tensor& tensor);

// Whether operations reach tensors as they are: no transform and no trace
// takes them first. Autocast may.
bool nothing_intercepts();

// Whether nothing wants to see single operations: no trace, no autocast.
bool nothing_watches();

// Whether gradients of some are wanted; undefined ones have none.
bool wants_gradient(std::initializer_list<const at::Tensor*> tensors);

// The elements of a contiguous tensor, or nullptr for an undefined one.
float* elements_or_null(const at::Tensor& tensor);

}  // namespace snt::kernels
