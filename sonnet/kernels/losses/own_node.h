// File: kernels/losses/own_node.h
// Nodes of autograd in the place of libtorch's: for operators that it has a
// kernel for, but with a slower gradient.

#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/DispatchKeySet.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/functions/utils.h>
#include <torch/library.h>

#include "sonnet/kernels/autograd_node.h"

namespace snt::kernels {

// Whether gradients of an operator on x are wanted, and ours will do: x is a
// plain tensor of float32, nothing wants to see single operations.
bool takes_node(const at::Tensor& x);

// The keys by which redispatch() finds libtorch's kernel where that of
// AutogradCPU is ours: kernels with gradients are registered for all backends
// at once, also for those that have no key of their own.
inline c10::DispatchKeySet keys_of_libtorch(c10::DispatchKeySet keys) {
  return (keys - c10::DispatchKeySet(c10::DispatchKey::AutogradFunctionality)) |
         c10::DispatchKeySet(c10::DispatchKey::AutogradOther);
}

// `node` (of make_node) leads from the gradient of y to that of x; y is not yet
// part of a graph.
template <class Pointer>
void set_node(at::Tensor& y, const at::Tensor& x, const Pointer& node) {
  node->set_next_edges(torch::autograd::collect_next_edges(x));
  torch::autograd::set_history(y, node);
}

// From now on `kernel` is that of `key` for an operator of libtorch.
void register_own(const char* name, c10::DispatchKey key,
                  torch::CppFunction&& kernel);

}  // namespace snt::kernels
