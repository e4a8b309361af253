#include "sonnet/core/getter.h"

namespace snt {

const at::Tensor& custom_variable_getter::read(const Variable& variable,
                                               const at::Tensor& value) {
  const at::Tensor& seen = outer_ ? outer_->read(variable, value) : value;
  if (!everywhere_ && !only_.contains(variable.id())) return seen;
  // The getter itself reads plainly.
  struct Plain {
    explicit Plain(ReadHook* outer) { detail::read_hook = outer; }
    ~Plain() { detail::read_hook = self; }
    ReadHook* self = detail::read_hook;
  } plain(outer_);
  at::Tensor result = getter_(variable, seen);
  return given_[variable.id()] = std::move(result);
}

const at::Tensor& custom_variable_getter::source(const Variable& variable,
                                                 const at::Tensor& value) {
  return outer_ != nullptr ? outer_->source(variable, value) : value;
}

bool custom_variable_getter::assign(const Variable& variable,
                                    const at::Tensor& value) {
  return outer_ != nullptr && outer_->assign(variable, value);
}

void custom_variable_getter::restrict_to(
    const std::vector<detail::Found>& found) {
  for (const detail::Found& entry : found) only_.insert(entry.variable.id());
}

}  // namespace snt
