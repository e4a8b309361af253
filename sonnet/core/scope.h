// File: core/scope.h
// Names in the autograd profiler.

#pragma once

#include <string_view>
#include <utility>

#include "sonnet/core/variable.h"

namespace snt {

// Marks what runs while it lives as a named range of libtorch's profiler, and
// of the tools that read it. The library's modules open one in their calls,
// named by type and, once the module was walked, path. Costs a few nanoseconds
// while nothing is profiled.
//
//     snt::name_scope scope("encoder");
class [[nodiscard]] name_scope {
 public:
  // A range of this name.
  explicit name_scope(std::string_view name);
  // "Linear body/layers/0", found through a variable of the module.
  name_scope(const char* type, const Variable& variable);
  ~name_scope();
  name_scope(const name_scope&) = delete;
  name_scope& operator=(const name_scope&) = delete;

 private:
  void* record_ = nullptr;  // Only while a profiler listens.
};

// Gives `f` itself: Sonnet's mark for a method that shall not enter the name
// scope of its module. Here a method enters one only if it opens a
// `name_scope`.
//
//     auto f = snt::no_name_scope([](int x) { return x + 1; });
template <class F>
F no_name_scope(F f) {
  return f;
}

}  // namespace snt
