// File: core/remembered.h
// A value that a module learns on its first call and keeps.

#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

#include "sonnet/core/errors.h"

namespace snt {

class Cloner;

// Set once, by the first call; later calls leave it. Copies of the module share
// it, clones take it along.
//
//     snt::Remembered<int> size;
//     size.set_once(3);
//     size.set_once(4);
//     int three = size.get("Module", "size");
template <class T>
class Remembered {
 public:
  static constexpr bool holds_variables = false;
  static constexpr bool is_module = false;

  Remembered() = default;
  // No move: a moved-from module stays valid.
  Remembered(const Remembered&) = default;
  Remembered& operator=(const Remembered&) = default;

  // Keeps `value` unless there is one.
  void set_once(const T& value) const {
    std::lock_guard lock(state_->mutex);
    if (!state_->value) state_->value = value;
  }

  // The value. Throws NotBuiltError, naming module and property, before it was
  // set.
  T get(std::string_view who, std::string_view what) const {
    std::lock_guard lock(state_->mutex);
    check<NotBuiltError>(state_->value.has_value(), who, what,
                         " is known after the first call only: call the module "
                         "once, or snt::build(module, inputs...)");
    return *state_->value;
  }

  // Whether there is a value.
  bool is_set() const {
    std::lock_guard lock(state_->mutex);
    return state_->value.has_value();
  }

  // For snt::clone.
  template <class C>
  requires(std::is_same_v<C, Cloner>) Remembered clone_(C& cloner)
  const {
    Remembered copy;
    copy.state_ = cloner.shared(state_, [this] {
      auto state = std::make_shared<State>();
      std::lock_guard lock(state_->mutex);
      state->value = state_->value;
      return state;
    });
    return copy;
  }
  // It holds no variables.
  template <class F>
  void visit_fields(F&&) {}

 private:
  struct State {
    std::mutex mutex;
    std::optional<T> value;
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace snt
