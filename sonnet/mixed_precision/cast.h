// File: mixed_precision/cast.h
// Reads of variables in another precision, and who had a first call. Not
// public.

#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "sonnet/core/once.h"
#include "sonnet/core/variable.h"
#include "sonnet/core/walk.h"

namespace snt::mixed_precision::detail {

// Whether this thread has a mode, and it is one of these.
bool mode_among(const std::vector<at::ScalarType>& valid_types);

// A floating x in `dtype`, anything else as it is.
at::Tensor cast(const at::Tensor& x, at::ScalarType dtype);

// While it lives, floating variables are read in `dtype` on this thread, and
// take floating tensors of any dtype.
class CastReads : public snt::detail::ReadHook {
 public:
  explicit CastReads(at::ScalarType dtype);
  ~CastReads() override;
  CastReads(const CastReads&) = delete;
  CastReads& operator=(const CastReads&) = delete;

  const at::Tensor& read(const Variable& variable,
                         const at::Tensor& value) override;
  const at::Tensor& source(const Variable& variable,
                           const at::Tensor& value) override;
  at::Tensor incoming(const Variable& variable,
                      const at::Tensor& value) override;

 private:
  at::ScalarType dtype_;
  // What was handed out; a reference lives until the next read of its variable.
  std::unordered_map<const void*, at::Tensor> given_;
};

// Who an object is: what tells it from others of its type, and what says
// whether that is still there.
struct Instance {
  const void* key;
  std::weak_ptr<const void> alive;
  bool is_variable;
};

// Remembers the first variable that a walk meets.
struct FirstVariable : Walker {
  void on_variable(Variable& variable) override {
    if (!found) found = variable;
  }
  std::optional<Variable> found;
};

// Modules are known by their first variable, which copies share; what holds no
// variable is known by its address.
template <class T, class... Args>
Instance instance(const T& object, const Args&...) {
  FirstVariable first;
  snt::walk(object, first);
  if (!first.found) return {&object, {}, false};
  return {first.found->id(), first.found->watch(), true};
}

// The first calls of many objects. Copies share them.
class FirstCalls {
 public:
  // That of an object.
  Once of(const Instance& instance) const;

 private:
  struct Record {
    Once first;
    std::weak_ptr<const void> alive;
  };
  struct State {
    std::mutex mutex;
    std::unordered_map<const void*, Record> records;
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace snt::mixed_precision::detail
