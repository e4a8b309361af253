// File: kernels/losses/own_node.h
// Nodes of autograd in the place of libtorch's: for operators that it has a
// kernel for, but with a slower gradient.

#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/DispatchKeySet.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/functions/utils.h>
#include <torch/library.h>

#include <memory>
#include <type_traits>

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

// Gives the node to its owner, which is a class of its own in each libtorch.
template <class Pointer>
Pointer owned(torch::autograd::Node* node) {
  if constexpr (std::is_same_v<Pointer,
                               std::shared_ptr<torch::autograd::Node>>) {
    // Found by the type of its argument: there is none elsewhere.
    return Pointer(node, [](auto* n) { deleteNode(n); });
  } else {
    return Pointer::unsafe_steal_from_new(node);
  }
}

// The new node leads from the gradient of y to that of x; y is not yet part of
// a graph.
inline void set_node(at::Tensor& y, const at::Tensor& x,
                     torch::autograd::Node* node) {
  const auto pointer = owned<decltype(torch::autograd::Edge::function)>(node);
  pointer->set_next_edges(torch::autograd::collect_next_edges(x));
  torch::autograd::set_history(y, pointer);
}

// From now on `kernel` is that of AutogradCPU for an operator of libtorch.
void register_own(const char* name, torch::CppFunction&& kernel);

}  // namespace snt::kernels
