#include "sonnet/optimizers/decay_weights.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "sonnet/core/errors.h"
#include "sonnet/optimizers/in_place.h"

namespace snt::optimizers {

void decay_weights(const std::vector<Variable>& variables, double amount) {
  check(amount >= 0 && amount <= 1, "decay_weights",
        "amount must be in [0, 1], got ", amount);
  for (const Variable& variable : variables)
    variable.value();  // All are there.

  const at::NoGradGuard no_grad;
  for (const Variable& variable : variables) {
    const at::Tensor p = detail::begin_change(variable);
    p.mul_(1 - amount);
    detail::end_change(variable, p);
  }
}

}  // namespace snt::optimizers
