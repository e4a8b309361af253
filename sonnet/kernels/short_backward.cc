#include "sonnet/kernels/short_backward.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <c10/util/SmallVector.h>
#include <torch/csrc/autograd/anomaly_mode.h>
#include <torch/csrc/autograd/variable.h>

#include <algorithm>
#include <utility>

#include "sonnet/kernels/autograd_node.h"
#include "sonnet/kernels/plain.h"

namespace snt::kernels {
namespace {

using at::Tensor;
using torch::autograd::Node;
using torch::autograd::variable_list;

// Whether somebody wants to be told of what passes. Newer libtorch has more
// kinds of hooks.
template <class N>
bool has_hooks(N& node) {
  if (!node.pre_hooks().empty() || !node.post_hooks().empty()) return true;
  if constexpr (requires { node.tensor_pre_hooks(); }) {
    if (!node.tensor_pre_hooks().empty()) return true;
  }
  if constexpr (requires { node.retains_grad_hooks(); }) {
    if (!node.retains_grad_hooks().empty()) return true;
  }
  return false;
}

constexpr size_t kNone = static_cast<size_t>(-1);

// A node of the chain: for each edge the leaf it leads to, or kNone.
struct Link {
  ChainNode* node;
  c10::SmallVector<size_t, 8> leaves;
  size_t onwards = kNone;  // The edge to the next link.
};
using Chain = c10::SmallVector<Link, 4>;
using Accumulators = c10::SmallVector<Node*, 8>;

// Whether all leaves are as they have to be; gives where their gradients
// arrive.
bool find_accumulators(const std::vector<Tensor>& leaves,
                       Accumulators* accumulators) {
  for (const Tensor& leaf : leaves) {
    if (!leaf.is_leaf() || !torch::autograd::impl::hooks(leaf).empty()) {
      return false;
    }
    const auto held = torch::autograd::impl::try_get_grad_accumulator(leaf);
    if (held != nullptr && has_hooks(*held)) return false;
    accumulators->push_back(held.get());  // The leaf's graph keeps it.
  }
  return true;
}

// The link of `node`, whose leaves are taken out of `accumulators`. False where
// an edge leads elsewhere. `next` is the node behind it.
bool make_link(ChainNode* node, Accumulators* accumulators, Link* link,
               ChainNode** next) {
  if (node->num_inputs() != 1 || has_hooks(*node)) return false;
  link->node = node;
  *next = nullptr;
  for (const torch::autograd::Edge& edge : node->next_edges()) {
    link->leaves.push_back(kNone);
    Node* const to = edge.function.get();
    if (to == nullptr) continue;
    const auto found =
        std::find(accumulators->begin(), accumulators->end(), to);
    if (found != accumulators->end()) {
      link->leaves.back() = static_cast<size_t>(found - accumulators->begin());
      *found = nullptr;  // A second time it is a sum.
      continue;
    }
    auto* const own = dynamic_cast<ChainNode*>(to);
    if (own == nullptr || *next != nullptr) return false;
    link->onwards = link->leaves.size() - 1;
    *next = own;
  }
  return true;
}

}  // namespace

std::optional<std::vector<Tensor>> short_backward(
    const Tensor& loss, const Tensor& d_loss, const std::vector<Tensor>& leaves,
    bool retain_graph) {
  const auto& root = loss.grad_fn();
  auto* node = dynamic_cast<ChainNode*>(root.get());
  if (node == nullptr || !nothing_watches() || !nothing_intercepts() ||
      torch::autograd::AnomalyMode::is_enabled()) {
    return {};
  }
  Accumulators accumulators;
  if (!find_accumulators(leaves, &accumulators)) return {};
  Chain chain;
  while (node != nullptr) {
    ChainNode* next = nullptr;
    if (!make_link(node, &accumulators, &chain.emplace_back(), &next)) {
      return {};
    }
    node = next;
  }
  // Leaves of other graphs, and those that are asked for twice.
  const bool all_found = std::all_of(accumulators.begin(), accumulators.end(),
                                     [](Node* n) { return n == nullptr; });
  if (!all_found) return {};

  const at::NoGradGuard no_grad;
  std::vector<Tensor> result(leaves.size());
  variable_list d = {d_loss};
  for (const Link& link : chain) {
    variable_list gradients = (*link.node)(std::move(d));
    if (!retain_graph) link.node->release_variables();
    for (size_t edge = 0; edge < link.leaves.size(); ++edge) {
      if (link.leaves[edge] == kNone) continue;
      result[link.leaves[edge]] = std::move(gradients[edge]);
    }
    if (link.onwards != kNone) d = {std::move(gradients[link.onwards])};
  }
  return result;
}

}  // namespace snt::kernels
