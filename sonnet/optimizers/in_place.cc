#include "sonnet/optimizers/in_place.h"

#include <ATen/ATen.h>

namespace snt::optimizers::detail {

using snt::detail::read_hook;

at::Tensor begin_change(const Variable& variable) {
  if (read_hook == nullptr) return variable.value();
  return snt::detail::source(variable).clone();
}

void end_change(const Variable& variable, const at::Tensor& value) {
  if (read_hook != nullptr) variable.assign(value);
}

}  // namespace snt::optimizers::detail
