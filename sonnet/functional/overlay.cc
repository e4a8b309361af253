#include "sonnet/functional/overlay.h"

#include <ATen/ATen.h>

#include <utility>

#include "sonnet/core/errors.h"

namespace snt::functional::detail {
namespace {

using snt::detail::read_hook;

// While it lives, variables are read as they were before the overlay.
struct Below {
  explicit Below(snt::detail::ReadHook* outer) { read_hook = outer; }
  ~Below() { read_hook = hook; }
  snt::detail::ReadHook* hook = read_hook;
};

at::Tensor snapshot(const at::Tensor& value) { return value.detach().clone(); }

}  // namespace

const at::Tensor* Overlay::lend(const Variable& variable) {
  if (const Entry* entry = find(variable)) return &entry->now;
  return ReadHook::lend(variable);
}

Overlay::Entry* Overlay::find(const Variable& variable) {
  const auto it = by_variable_.find(variable);
  return it == by_variable_.end() ? nullptr : it->second;
}

Overlay::Entry& Overlay::add(Entry entry) {
  entries_.push_back(std::move(entry));
  Entry& added = entries_.back();
  by_variable_[added.variable] = &added;
  return added;
}

InitScope::InitScope(const Params& known) {
  for (const auto& [variable, value] : known) add({variable, value, value});
}

InitScope::~InitScope() {
  if (is_finished_) return;
  for (const Entry& entry : entries()) {
    if (entry.created) entry.variable.lift(at::Tensor());
  }
}

InitScope::Found InitScope::finish() {
  is_finished_ = true;
  Found found;
  for (const Entry& entry : entries()) {
    Params& to = entry.variable.trainable() ? found.params : found.state;
    to.set(entry.variable, entry.initial.detach());
  }
  return found;
}

const at::Tensor& InitScope::read(const Variable& variable,
                                  const at::Tensor& value) {
  if (const Entry* entry = find(variable)) return entry->now;
  const at::Tensor initial =
      snapshot(outer != nullptr ? outer->source(variable, value) : value);
  return add({variable, initial, initial}).now;
}

bool InitScope::assign(const Variable& variable, const at::Tensor& value) {
  if (Entry* entry = find(variable)) {
    entry->now = value.to(entry->now.device());
    return true;
  }
  at::Tensor initial;
  {
    const Below below(outer);
    initial = variable.has_value() ? snapshot(snt::detail::source(variable))
                                   : snapshot(value);
  }
  add({variable, initial, value.to(initial.device())});
  return true;
}

const at::Tensor* InitScope::create(const Variable& variable,
                                    const std::function<at::Tensor()>& make) {
  if (const Entry* entry = find(variable)) return &entry->now;
  if (const at::Tensor* lent = ReadHook::lend(variable)) return lent;
  const bool is_new = !variable.is_built();
  const at::Tensor value = make();
  if (is_new) variable.lift(value);
  check(
      variable.shape() == value.sizes(), "transform", "variable '",
      [&] { return variable.path(); }, "' was created with shape ",
      [&] { return variable.shape(); }, ", but this call needs ",
      value.sizes());
  return &add({variable, value, value, is_new}).now;
}

ApplyScope::ApplyScope(const Params& params, const Params& state) {
  put(params);
  put(state);
}

void ApplyScope::put(const Params& values) {
  for (const auto& [variable, value] : values) {
    const auto path = [&v = variable] { return v.path(); };
    check(value.defined(), "transform", "there is no value for variable '",
          path, "'");
    if (Entry* entry = find(variable)) {
      entry->now = value;
      continue;
    }
    check(variable.shape() == value.sizes(), "transform", "variable '", path,
          "' has shape ", variable.shape(), ", got a value of shape ",
          value.sizes());
    add({variable, value, value});
  }
}

Params ApplyScope::now(const Params& like) {
  Params result;
  for (const auto& [variable, value] : like) {
    result.set(variable, find(variable)->now);
  }
  return result;
}

const at::Tensor& ApplyScope::read(const Variable& variable,
                                   const at::Tensor& value) {
  if (const Entry* entry = find(variable)) return entry->now;
  return outer != nullptr ? outer->read(variable, value) : value;
}

bool ApplyScope::assign(const Variable& variable, const at::Tensor& value) {
  if (Entry* entry = find(variable)) {
    entry->now = value.to(entry->now.device());
    return true;
  }
  if (ReadHook::assign(variable, value)) return true;
  check(
      false, "transform", "the function assigns variable '",
      [&] { return variable.path(); },
      "', which is not among its parameters and state: `init` must be called "
      "with arguments that reach it");
  return true;
}

const at::Tensor* ApplyScope::create(const Variable& variable,
                                     const std::function<at::Tensor()>&) {
  if (const at::Tensor* lent = lend(variable)) return lent;
  check(
      variable.is_built(), "transform",
      "Apply function cannot create new variables. Variable '",
      [&] { return variable.path(); },
      "' was not created by `init`: call it with arguments that reach it");
  return nullptr;
}

}  // namespace snt::functional::detail
