// File: kernels/autograd_node.h
// Nodes of autograd's graph without what torch::autograd::Function adds to
// them: a third of its time for operations of a few microseconds.

#pragma once

#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/functions/utils.h>

#include <memory>
#include <type_traits>
#include <utility>

namespace snt::kernels {

// A node with one result that can be a link of kernels/short_backward.h: it
// computes the gradient of each edge that leads somewhere, and does nothing
// else.
struct ChainNode : torch::autograd::Node {};

// A new node; libtorch holds it by one or the other kind of pointer.
template <class N, class... Args>
auto make_node(Args&&... args) {
  using Held = decltype(torch::autograd::Edge::function);
  if constexpr (std::is_same_v<Held, std::shared_ptr<torch::autograd::Node>>) {
    // libtorch's own, which takes long chains apart without recursion.
    return std::shared_ptr<N>(new N(std::forward<Args>(args)...),
                              [](N* node) { deleteNode(node); });
  } else {
    return c10::make_intrusive<N>(std::forward<Args>(args)...);
  }
}

}  // namespace snt::kernels
