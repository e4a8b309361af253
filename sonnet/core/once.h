// File: core/once.h
// Something that a module does on its first call only.

#pragma once

#include <memory>
#include <mutex>
#include <type_traits>
#include <utility>

namespace snt {

class Cloner;

// A field that lets a function run once, whatever later calls pass. Copies of
// the module share it; clones remember whether it has run. A function that
// throws has not run. Threads that come second wait for the first.
//
//     snt::Once once;
//     int runs = 0;
//     once([&] { ++runs; });
//     once([&] { ++runs; });  // runs: 1
class Once {
 public:
  static constexpr bool holds_variables = false;
  static constexpr bool is_module = false;

  Once() = default;
  // No move: a moved-from module stays valid.
  Once(const Once&) = default;
  Once& operator=(const Once&) = default;

  // Runs f unless one has run before.
  template <class F>
  void operator()(F&& f) const {
    static_assert(std::is_void_v<std::invoke_result_t<F>>,
                  "snt: a function that runs once cannot return a value.");
    std::lock_guard lock(state_->mutex);
    if (state_->done) return;
    std::forward<F>(f)();
    state_->done = true;
  }

  // Whether a function has run.
  bool done() const {
    std::lock_guard lock(state_->mutex);
    return state_->done;
  }

  // For snt::clone.
  template <class C>
  requires(std::is_same_v<C, Cloner>) Once clone_(C& cloner)
  const {
    Once copy;
    copy.state_ = cloner.shared(state_, [this] {
      auto state = std::make_shared<State>();
      state->done = done();
      return state;
    });
    return copy;
  }
  // It holds no variables.
  template <class F>
  void visit_fields(F&&) {}

 private:
  struct State {
    std::recursive_mutex mutex;
    bool done = false;
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace snt
