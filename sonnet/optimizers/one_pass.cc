#include "sonnet/optimizers/one_pass.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <c10/util/SmallVector.h>

#include "sonnet/kernels/one_pass_update.h"
#include "sonnet/kernels/switches.h"

namespace snt::optimizers::detail {
namespace {

// What one call of a kernel changes.
class Batch {
 public:
  explicit Batch(size_t count) {
    arrays_.reserve(count);
    changed_.reserve(2 * count);
  }

  // Whether the kernels take them; `values` must live until `run`.
  bool add(const at::Tensor& g, at::ArrayRef<const at::Tensor*> values) {
    if (!kernels::is_plain_float(g)) return false;
    for (const at::Tensor* value : values) {
      if (!kernels::is_plain_float(*value) || !value->is_contiguous() ||
          value->sizes() != g.sizes()) {
        return false;
      }
    }
    const at::Tensor* gradient = &g;
    if (!g.is_contiguous()) {
      copies_.push_back(g.contiguous());
      gradient = &copies_.back();
    }

    kernels::UpdateArrays& arrays = arrays_.emplace_back();
    arrays.theta = values[0]->data_ptr<float>();
    arrays.g = gradient->data_ptr<float>();
    for (size_t i = 1; i < values.size(); ++i) {
      arrays.slots[i - 1] = values[i]->data_ptr<float>();
    }
    arrays.size = g.numel();
    changed_.insert(changed_.end(), values.begin(), values.end());
    return true;
  }

  // False when they share memory: nothing has changed then.
  bool run(OnePass update) const {
    if (arrays_.empty()) return true;
    if (!kernels::are_apart(arrays_)) return false;
    update(arrays_);
    // As an operation in place says it to autograd.
    for (const at::Tensor* tensor : changed_) {
      tensor->unsafeGetTensorImpl()->bump_version();
    }
    return true;
  }

 private:
  std::vector<kernels::UpdateArrays> arrays_;
  std::vector<const at::Tensor*> changed_;
  std::vector<at::Tensor> copies_;  // Of gradients.
};

std::vector<size_t> defined_ones(const std::vector<at::Tensor>& updates) {
  std::vector<size_t> result;
  for (size_t i = 0; i < updates.size(); ++i) {
    if (updates[i].defined()) result.push_back(i);
  }
  return result;
}

}  // namespace

bool update_in_one_pass(const at::Tensor& g,
                        at::ArrayRef<const at::Tensor*> values,
                        OnePass update) {
  if (!kernels::switches().one_pass_updates) return false;
  Batch batch(1);
  return batch.add(g, values) && batch.run(update);
}

std::vector<size_t> update_in_one_pass(const std::vector<at::Tensor>& updates,
                                       const std::vector<Variable>& parameters,
                                       at::ArrayRef<const Slots*> slots,
                                       const std::vector<size_t>& positions,
                                       OnePass update) {
  const bool is_possible =
      kernels::switches().one_pass_updates && snt::detail::read_hook == nullptr;
  if (!is_possible) return defined_ones(updates);

  const at::NoGradGuard no_grad;
  Batch batch(updates.size());
  std::vector<size_t> others;
  for (size_t i = 0; i < updates.size(); ++i) {
    if (!updates[i].defined()) continue;
    c10::SmallVector<const at::Tensor*, 4> values{&parameters[i].value()};
    for (const Slots* list : slots) {
      values.push_back(&(*list)[positions[i]].value());
    }
    if (!batch.add(updates[i], values)) others.push_back(i);
  }
  return batch.run(update) ? others : defined_ones(updates);
}

}  // namespace snt::optimizers::detail
