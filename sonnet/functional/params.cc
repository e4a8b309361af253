#include "sonnet/functional/params.h"

#include "sonnet/core/errors.h"

namespace snt::functional {

Params::Params(std::initializer_list<value_type> entries) {
  for (const auto& [variable, value] : entries) set(variable, value);
}

const Params::value_type* Params::find(const Variable& variable) const {
  for (const value_type& entry : entries_) {
    if (entry.first == variable) return &entry;
  }
  return nullptr;
}

void Params::set(const Variable& variable, const at::Tensor& value) {
  if (const auto* found = find(variable)) {
    const_cast<value_type*>(found)->second = value;
  } else {
    entries_.emplace_back(variable, value);
  }
}

bool Params::contains(const Variable& variable) const {
  return find(variable) != nullptr;
}

const at::Tensor& Params::at(const Variable& variable) const {
  const auto* found = find(variable);
  check(
      found != nullptr, "Params", "there is no value for variable '",
      [&] { return variable.path(); }, "' among ", size());
  return found->second;
}

at::Tensor& Params::at(const Variable& variable) {
  return const_cast<at::Tensor&>(std::as_const(*this).at(variable));
}

std::vector<Variable> Params::variables() const {
  std::vector<Variable> result;
  result.reserve(size());
  for (const auto& [variable, value] : entries_) result.push_back(variable);
  return result;
}

void Params::store() const {
  for (const auto& [variable, value] : entries_) variable.assign(value);
}

}  // namespace snt::functional
