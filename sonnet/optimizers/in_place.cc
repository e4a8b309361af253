#include "sonnet/optimizers/in_place.h"

#include <ATen/ATen.h>

namespace snt::optimizers::detail {
namespace {

using snt::detail::read_hook;

// While it lives, variables are read as they are stored.
struct Plainly {
  Plainly() { read_hook = nullptr; }
  ~Plainly() { read_hook = hook; }
  snt::detail::ReadHook* hook = read_hook;
};

}  // namespace

at::Tensor begin_change(const Variable& variable) {
  const Plainly plainly;
  const at::Tensor& value = variable.value();
  if (plainly.hook == nullptr) return value;
  return plainly.hook->source(variable, value).clone();
}

void end_change(const Variable& variable, const at::Tensor& value) {
  if (read_hook != nullptr) variable.assign(value);
}

}  // namespace snt::optimizers::detail
