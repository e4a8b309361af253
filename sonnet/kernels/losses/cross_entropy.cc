#include "sonnet/kernels/losses/cross_entropy.h"

#include <ATen/ATen.h>
#include <ATen/EmptyTensor.h>
#include <ATen/core/Reduction.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cross_entropy_loss_compositeimplicitautograd_dispatch.h>
#include <torch/csrc/autograd/saved_variable.h>

#include <mutex>
#include <string>
#include <utility>

#include "sonnet/kernels/autograd_node.h"
#include "sonnet/kernels/differentiable_gradients.h"
#include "sonnet/kernels/losses/cross_entropy_loops.h"
#include "sonnet/kernels/losses/own_node.h"
#include "sonnet/kernels/plain.h"
#include "sonnet/kernels/switches.h"

namespace snt::kernels {
namespace {

using at::Tensor;
using torch::autograd::SavedVariable;
using torch::autograd::variable_list;

struct EntropyOptions {
  int64_t reduction;
  int64_t ignored;
};

// The strides of logits [N, C] or [N, C, T] and labels.
CrossEntropyRows rows_of(const Tensor& logits, const Tensor& labels,
                         int64_t ignored) {
  const bool is_flat = logits.dim() == 2;
  return {.outer = logits.size(0),
          .inner = is_flat ? 1 : logits.size(2),
          .classes = logits.size(1),
          .logits = logits.data_ptr<float>(),
          .logits_outer = logits.stride(0),
          .logits_inner = is_flat ? 0 : logits.stride(2),
          .labels = labels.data_ptr<int64_t>(),
          .labels_outer = labels.stride(0),
          .labels_inner = is_flat ? 0 : labels.stride(1),
          .ignored = ignored};
}

// How many labels count; less than 0 if any of these is no class.
int64_t count_labels(const CrossEntropyRows& rows) {
  int64_t count = 0;
  for (int64_t i = 0; i < rows.outer; ++i) {
    for (int64_t j = 0; j < rows.inner; ++j) {
      const int64_t label =
          rows.labels[i * rows.labels_outer + j * rows.labels_inner];
      if (label == rows.ignored) continue;
      if (label < 0 || label >= rows.classes) return -1;
      ++count;
    }
  }
  return count;
}

// [outer, inner, size] in memory.
Tensor new_rows(const CrossEntropyRows& rows, int64_t size) {
  return at::detail::empty_cpu({rows.outer, rows.inner, size}, at::kFloat);
}

Tensor scalar_of(double value) {
  Tensor result = at::detail::empty_cpu({}, at::kFloat);
  *result.data_ptr<float>() = static_cast<float>(value);
  return result;
}

struct CrossEntropyNode : ChainNode {
  SavedVariable logits, labels;
  Tensor softmax;  // [outer, inner, softmax_row]
  EntropyOptions options;
  int64_t count = 0;  // Of labels that count.

  std::string name() const override { return "CrossEntropyBackward"; }

  void release_variables() override {
    const std::lock_guard lock(mutex_);
    logits.reset_data();
    labels.reset_data();
    softmax.reset();
  }

  variable_list apply(variable_list&& d) override {
    const std::lock_guard lock(mutex_);
    const Tensor x = logits.unpack(), y = labels.unpack();
    if (!d[0].defined()) return {Tensor()};
    if (at::GradMode::is_enabled() || !is_floats(d[0])) {
      return by_differentiable_operations(x, y, d[0]);
    }
    const CrossEntropyRows rows = rows_of(x, y, options.ignored);
    float factor = *d[0].data_ptr<float>();
    if (options.reduction == at::Reduction::Mean) {
      factor /= static_cast<float>(count);
    }
    const Tensor dx = new_rows(rows, rows.classes);
    cross_entropy_backward(rows, softmax.data_ptr<float>(), factor,
                           dx.data_ptr<float>());
    return {x.dim() == 2 ? dx.view(x.sizes()) : dx.transpose(1, 2)};
  }

 private:
  variable_list by_differentiable_operations(const Tensor& x, const Tensor& y,
                                             const Tensor& d) const {
    const bool again = at::GradMode::is_enabled();
    const at::AutoGradMode records(true);
    Tensor dx = differentiable_gradients(
        [&](const variable_list& all) -> variable_list {
          return {at::compositeimplicitautograd::cross_entropy_loss(
              all[0], y, {}, options.reduction, options.ignored, 0)};
        },
        {x}, {d})[0];
    return {again ? dx : dx.detach()};
  }
};

bool takes_cross_entropy(const Tensor& logits, const Tensor& labels,
                         const c10::optional<Tensor>& weight, int64_t reduction,
                         double label_smoothing) {
  if (!switches().fast_losses.load(std::memory_order_relaxed)) return false;
  if (!nothing_watches() || !nothing_intercepts()) return false;
  if ((weight && weight->defined()) || label_smoothing != 0) return false;
  if (reduction != at::Reduction::Mean && reduction != at::Reduction::Sum) {
    return false;
  }
  if (!is_plain(logits) || (logits.dim() != 2 && logits.dim() != 3) ||
      (logits.stride(1) != 1 && logits.size(1) != 1)) {
    return false;
  }
  const bool are_labels =
      labels.defined() && labels.scalar_type() == at::kLong &&
      labels.key_set().has_backend(c10::BackendComponent::CPUBit) &&
      labels.layout() == at::kStrided && !labels.requires_grad() &&
      labels.dim() == logits.dim() - 1 && labels.size(0) == logits.size(0);
  return are_labels && (logits.dim() == 2 || labels.size(1) == logits.size(2));
}

// Of the labels that count, `count`.
Tensor fast_cross_entropy(const Tensor& logits, const Tensor& labels,
                          const CrossEntropyRows& rows, int64_t count,
                          const EntropyOptions& options) {
  const bool wants = wants_gradient({&logits});
  const Tensor softmax =
      wants ? new_rows(rows, softmax_row(rows.classes)) : Tensor();
  const double sum = cross_entropy_forward(rows, elements_or_null(softmax));
  Tensor loss = scalar_of(options.reduction == at::Reduction::Mean
                              ? sum / static_cast<double>(count)
                              : sum);
  if (!wants) return loss;

  const auto node = make_node<CrossEntropyNode>();
  node->set_next_edges({torch::autograd::impl::gradient_edge(logits)});
  node->logits = SavedVariable(logits, /*is_output=*/false);
  node->labels = SavedVariable(labels, /*is_output=*/false);
  node->softmax = softmax;
  node->options = options;
  node->count = count;
  torch::autograd::set_history(loss, node);
  return loss;
}

Tensor cross_entropy(const Tensor& logits, const Tensor& labels,
                     const c10::optional<Tensor>& weight, int64_t reduction,
                     int64_t ignore_index, double label_smoothing) {
  if (takes_cross_entropy(logits, labels, weight, reduction, label_smoothing)) {
    const CrossEntropyRows rows = rows_of(logits, labels, ignore_index);
    const int64_t count = count_labels(rows);
    if (count >= 0) {
      return fast_cross_entropy(logits, labels, rows, count,
                                {reduction, ignore_index});
    }
  }
  return at::compositeimplicitautograd::cross_entropy_loss(
      logits, labels, weight, reduction, ignore_index, label_smoothing);
}

void register_cross_entropy() {
  for (const auto key :
       {c10::DispatchKey::CPU, c10::DispatchKey::AutogradCPU}) {
    register_own("cross_entropy_loss", key,
                 torch::CppFunction(TORCH_FN(cross_entropy)));
  }
}

}  // namespace

void install_cross_entropy() {
  static std::once_flag registered;
  std::call_once(registered, register_cross_entropy);
}

}  // namespace snt::kernels
