#include "sonnet/optimizers/step.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "sonnet/optimizers/in_place.h"

namespace snt::optimizers::detail {

Variable new_step() {
  return Variable(at::zeros({}, at::kLong), /*trainable=*/false);
}

Variable unused_step() {
  Variable step = Variable::state();
  step.omit();
  return step;
}

int64_t read_step(const Variable& step,
                  std::initializer_list<Hyperparameter> hyperparameters) {
  const bool is_needed =
      std::any_of(hyperparameters.begin(), hyperparameters.end(),
                  [](const Hyperparameter& h) { return h.is_schedule(); });
  if (is_needed) {
    step.create({}, at::kLong, [](at::IntArrayRef shape, at::ScalarType dtype) {
      return at::zeros(shape, dtype);
    });
  }
  return step.is_built() ? begin_change(step).item<int64_t>() : 0;
}

void count_step(const Variable& step) {
  if (!step.is_built()) return;
  const at::Tensor count = begin_change(step);
  count.add_(1);
  end_change(step, count);
}

}  // namespace snt::optimizers::detail
