// File: core/once.h
// Something that a module does on its first call only.

#pragma once

#include <type_traits>
#include <utility>

#include "sonnet/core/shared_state.h"

namespace snt {

// A field that lets a function run once, whatever later calls pass. Copies of
// the module share it; clones remember whether it has run. A function that
// throws has not run. Threads that come second wait for the first.
//
//     snt::Once once;
//     int runs = 0;
//     once([&] { ++runs; });
//     once([&] { ++runs; });  // runs: 1
class Once : public detail::SharedState<Once, bool> {
 public:
  // Runs f unless one has run before.
  template <class F>
  void operator()(F&& f) const {
    static_assert(std::is_void_v<std::invoke_result_t<F>>,
                  "snt: a function that runs once cannot return a value.");
    locked([&](bool& done) {
      if (done) return;
      std::forward<F>(f)();
      done = true;
    });
  }

  // Whether a function has run.
  bool done() const {
    return locked([](bool done) { return done; });
  }
};

}  // namespace snt
