// File: core/remembered.h
// A value that a module learns on its first call and keeps.

#pragma once

#include <optional>
#include <string_view>

#include "sonnet/core/errors.h"
#include "sonnet/core/shared_state.h"

namespace snt {

// Set once, by the first call; later calls leave it. Copies of the module share
// it, clones take it along.
//
//     snt::Remembered<int> size;
//     size.set_once(3);
//     size.set_once(4);
//     int three = size.get("Module", "size");
template <class T>
class Remembered : public detail::SharedState<Remembered<T>, std::optional<T>> {
 public:
  // Keeps `value` unless there is one.
  void set_once(const T& value) const {
    this->locked([&](std::optional<T>& kept) {
      if (!kept) kept = value;
    });
  }

  // The value. Throws NotBuiltError, naming module and property, before it was
  // set.
  T get(std::string_view who, std::string_view what) const {
    return this->locked([&](const std::optional<T>& kept) {
      check<NotBuiltError>(kept.has_value(), who, what,
                           " is known after the first call only: call the "
                           "module once, or snt::build(module, inputs...)");
      return *kept;
    });
  }

  // Whether there is a value.
  bool is_set() const {
    return this->locked(
        [](const std::optional<T>& kept) { return kept.has_value(); });
  }
};

}  // namespace snt
