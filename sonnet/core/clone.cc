#include "sonnet/core/clone.h"

#include <ATen/ATen.h>

namespace snt {

Variable Cloner::variable(const Variable& original) {
  const auto it = variables_.find(original.id());
  if (it != variables_.end()) return it->second;
  return variables_.emplace(original.id(), original.clone()).first->second;
}

namespace detail {

at::Tensor copy_constant(const at::Tensor& tensor) {
  return tensor.defined() ? tensor.detach().clone() : at::Tensor();
}

}  // namespace detail
}  // namespace snt
