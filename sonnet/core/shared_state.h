// File: core/shared_state.h
// What a module learns on a call; for headers of this library only.

#pragma once

#include <memory>
#include <mutex>
#include <type_traits>
#include <utility>

namespace snt {

class Cloner;

namespace detail {

// The base of a field that is a T behind a lock: copies of the module share
// it, clones take its value along. `Derived` is the field's type.
template <class Derived, class T>
class SharedState {
 public:
  static constexpr bool holds_variables = false;
  static constexpr bool is_module = false;

  SharedState() = default;
  // No move: a moved-from module stays valid.
  SharedState(const SharedState&) = default;
  SharedState& operator=(const SharedState&) = default;

  // For snt::clone.
  template <class C>
  requires(std::is_same_v<C, Cloner>) Derived clone_(C& cloner)
  const {
    Derived copy;
    copy.state_ = cloner.shared(state_, [this] {
      return locked([](const T& value) {
        auto state = std::make_shared<State>();
        state->value = value;
        return state;
      });
    });
    return copy;
  }
  // It holds no variables.
  template <class F>
  void visit_fields(F&&) {}

 protected:
  // f(value), while other threads wait; f may ask again.
  template <class F>
  decltype(auto) locked(F&& f) const {
    std::lock_guard lock(state_->mutex);
    return std::forward<F>(f)(state_->value);
  }

 private:
  struct State {
    std::recursive_mutex mutex;
    T value = {};
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace detail
}  // namespace snt
