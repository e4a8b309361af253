// What intercepts reads of variables: core/variable.h declares it.

#include "sonnet/core/variable.h"

namespace snt::detail {

thread_local constinit ReadHook* read_hook = nullptr;

ReadHook::ReadHook() : outer(read_hook) {}

bool ReadHook::assign(const Variable& variable, const at::Tensor& value) {
  return outer != nullptr && outer->assign(variable, value);
}

const at::Tensor* ReadHook::lend(const Variable& variable) {
  return outer != nullptr ? outer->lend(variable) : nullptr;
}

const at::Tensor* ReadHook::create(const Variable& variable,
                                   const std::function<at::Tensor()>& make) {
  return outer != nullptr ? outer->create(variable, make) : nullptr;
}

at::Tensor ReadHook::incoming(const Variable& variable,
                              const at::Tensor& value) {
  return outer != nullptr ? outer->incoming(variable, value) : value;
}

const at::Tensor& source(const Variable& variable) {
  ReadHook* const hook = read_hook;
  if (hook == nullptr) return variable.value();
  if (const auto* lent = hook->lend(variable)) {
    return hook->source(variable, *lent);
  }
  struct Unhooked {
    explicit Unhooked(ReadHook* now) : hook(now) { read_hook = nullptr; }
    ~Unhooked() { read_hook = hook; }
    ReadHook* hook;
  };
  const at::Tensor* value = nullptr;
  {
    const Unhooked unhooked(hook);
    value = &variable.value();
  }
  return hook->source(variable, *value);
}

}  // namespace snt::detail
