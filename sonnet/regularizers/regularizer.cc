#include "sonnet/regularizers/regularizer.h"

#include <ATen/ATen.h>

#include "sonnet/core/errors.h"

namespace snt::regularizers::detail {

void check_scale(double scale, const char* who) {
  snt::check(scale >= 0, who, "scale must be >=0, got ", scale);
}

at::Tensor scaled_sum(double scale, const std::vector<at::Tensor>& tensors,
                      at::Tensor (*term)(const at::Tensor&)) {
  if (tensors.empty()) return at::zeros({}, at::kFloat);
  at::Tensor sum = term(tensors[0]);
  for (size_t i = 1; i < tensors.size(); ++i) sum = sum + term(tensors[i]);
  return sum * scale;
}

std::vector<at::Tensor> values(const std::vector<Variable>& variables) {
  std::vector<at::Tensor> result;
  result.reserve(variables.size());
  for (const Variable& variable : variables) result.push_back(variable.value());
  return result;
}

}  // namespace snt::regularizers::detail
