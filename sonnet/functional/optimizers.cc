#include "sonnet/functional/optimizers.h"

#include <ATen/ATen.h>

namespace snt::functional::detail {

std::vector<at::Tensor> updates_for(const Params& params,
                                    const Params& updates) {
  std::vector<at::Tensor> result;
  for (const auto& [variable, value] : params) {
    result.push_back(updates.at(variable));
  }
  return result;
}

std::vector<at::Tensor> zeros_for(const Params& params) {
  std::vector<at::Tensor> result;
  for (const auto& [variable, value] : params) {
    result.push_back(at::zeros_like(value));
  }
  return result;
}

Params without(const Params& all, const Params& some) {
  Params result;
  for (const auto& [variable, value] : all) {
    if (!some.contains(variable)) result.set(variable, value);
  }
  return result;
}

}  // namespace snt::functional::detail
