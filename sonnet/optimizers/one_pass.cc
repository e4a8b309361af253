#include "sonnet/optimizers/one_pass.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <c10/util/SmallVector.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <limits>
#include <utility>

#include "sonnet/kernels/plain.h"
#include "sonnet/kernels/rows/equal_rows.h"
#include "sonnet/kernels/switches.h"
#include "sonnet/kernels/updates/one_pass_update.h"

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
    const bool fit =
        std::all_of(values.begin(), values.end(), [&](const at::Tensor* value) {
          return kernels::is_floats(*value) && value->is_contiguous() &&
                 value->sizes() == g.sizes();
        });
    if (!fit || !(g.is_sparse() ? add_rows(g, values) : add_all(g, values))) {
      return false;
    }
    changed_.insert(changed_.end(), values.begin(), values.end());
    return true;
  }

  // False when they share memory: nothing has changed then.
  bool run(OnePass update) const {
    if (arrays_.empty()) return true;
    if (!kernels::are_apart(whole_)) return false;
    update(arrays_);
    // As an operation in place says it to autograd.
    for (const at::Tensor* tensor : changed_) {
      tensor->unsafeGetTensorImpl()->bump_version();
    }
    return true;
  }

 private:
  bool add_all(const at::Tensor& g, at::ArrayRef<const at::Tensor*> values) {
    if (!kernels::is_floats(g)) return false;
    arrays_.push_back(arrays_of(values, g.numel()));
    arrays_.back().g = contiguous(g).data_ptr<float>();
    whole_.push_back(arrays_.back());
    return true;
  }

  // Each row of a sparse gradient becomes arrays of its own.
  bool add_rows(const at::Tensor& g, at::ArrayRef<const at::Tensor*> values) {
    const at::Tensor numbers = g._indices(), rows = g._values();
    const bool fit = kernels::is_floats(rows) && numbers.is_cpu() &&
                     numbers.size(0) == 1 && rows.numel() > 0 &&
                     rows.size(0) <= std::numeric_limits<int32_t>::max();
    if (!fit) return false;
    const int64_t columns = rows.numel() / rows.size(0);
    const at::Tensor given = contiguous(rows).view({-1, columns});
    auto distinct = kernels::sum_equal_rows(numbers[0].contiguous(), given,
                                            g.size(0), g.is_coalesced());
    if (!distinct) return false;  // libtorch tells what is wrong.

    kernels::UpdateArrays whole = arrays_of(values, g.numel());
    whole_.push_back(whole);
    whole_.push_back({.g = given.data_ptr<float>(), .size = rows.numel()});
    const size_t count = distinct->numbers.size();
    arrays_.reserve(arrays_.size() + count);
    for (size_t i = 0; i < count; ++i) {
      const int64_t offset = distinct->numbers[i] * columns;
      kernels::UpdateArrays& row = arrays_.emplace_back(whole);
      row.theta += offset;
      row.g = distinct->sums[i];
      for (float*& slot : row.slots) {
        if (slot != nullptr) slot += offset;
      }
      row.size = columns;
    }
    kept_.push_back(std::move(distinct->memory));
    return true;
  }

  static kernels::UpdateArrays arrays_of(at::ArrayRef<const at::Tensor*> values,
                                         int64_t size) {
    kernels::UpdateArrays arrays;
    arrays.theta = values[0]->data_ptr<float>();
    for (size_t i = 1; i < values.size(); ++i) {
      arrays.slots[i - 1] = values[i]->data_ptr<float>();
    }
    arrays.size = size;
    return arrays;
  }

  const at::Tensor& contiguous(const at::Tensor& g) {
    if (g.is_contiguous()) return g;
    return kept_.emplace_back(g.contiguous());
  }

  std::vector<kernels::UpdateArrays> arrays_;
  std::vector<kernels::UpdateArrays> whole_;  // What those are parts of.
  std::vector<const at::Tensor*> changed_;
  std::deque<at::Tensor> kept_;  // Copies and sums of gradients.
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
  if (!kernels::switches().one_pass_updates || !kernels::nothing_intercepts()) {
    return false;
  }
  Batch batch(1);
  return batch.add(g, values) && batch.run(update);
}

std::vector<size_t> update_in_one_pass(const std::vector<at::Tensor>& updates,
                                       const std::vector<Variable>& parameters,
                                       at::ArrayRef<const Slots*> slots,
                                       const std::vector<size_t>& positions,
                                       OnePass update) {
  const bool is_possible = kernels::switches().one_pass_updates &&
                           kernels::nothing_intercepts() &&
                           snt::detail::read_hook == nullptr;
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
