// File: kernels/plain.h
// What kernels that look at memory may be given.

#pragma once

#include <ATen/core/Tensor.h>

#include <initializer_list>

namespace snt::kernels {

// Whether it is a dense float32 tensor on a CPU with elements, as it looks: not
// negated lazily, of no other kind, without forward-mode gradients.
bool is_plain(const at::Tensor& tensor);

// Whether nothing wants to see single operations: no trace, no autocast.
bool nothing_watches();

// Whether gradients of some are wanted; undefined ones have none.
bool wants_gradient(std::initializer_list<const at::Tensor*> tensors);

}  // namespace snt::kernels
