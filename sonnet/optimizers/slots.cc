#include "sonnet/optimizers/slots.h"

#include <ATen/ATen.h>

#include <string>
#include <unordered_set>

namespace snt::optimizers {

void Slots::initialize(const std::vector<Variable>& parameters) const {
  std::unordered_set<Variable> known(data_->parameters.begin(),
                                     data_->parameters.end());
  std::vector<Variable> added;
  std::vector<Variable> zeros;
  for (const Variable& parameter : parameters) {
    if (!known.insert(parameter).second) continue;
    added.push_back(parameter);
    const auto options =
        at::dtype(parameter.dtype()).device(parameter.device());
    zeros.emplace_back(at::zeros(parameter.shape(), options),
                       /*trainable=*/false);
  }
  data_->slots.insert(data_->slots.end(), zeros.begin(), zeros.end());
  data_->parameters.insert(data_->parameters.end(), added.begin(), added.end());
}

size_t Slots::find(const Variable& parameter, size_t hint) const {
  const size_t count = size();
  for (size_t i = 0; i < count; ++i) {
    const size_t position = (hint + i) % count;
    if (data_->parameters[position] == parameter) return position;
  }
  return count;
}

void Slots::Data::walk_(Walker& walker) {
  const Walker::Alias list(walker, scope);
  for (size_t i = 0; i < slots.size(); ++i) {
    const Walker::Field here(walker, std::to_string(i));
    const Walker::Alias name(walker, parameters[i].name());
    walker.on_variable(slots[i]);
  }
}

Slots::Data Slots::Data::clone_(Cloner& cloner) const {
  Data copy{scope, {}, {}};
  for (const Variable& slot : slots)
    copy.slots.push_back(cloner.variable(slot));
  for (const Variable& parameter : parameters) {
    copy.parameters.push_back(
        cloner.knows(parameter) ? cloner.variable(parameter) : parameter);
  }
  return copy;
}

}  // namespace snt::optimizers
