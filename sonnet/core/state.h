// File: core/state.h
// The values of a module's variables by path: out of one module, into another.

#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <string>
#include <vector>

#include "sonnet/core/variables.h"

namespace snt {

// Values by path.
using StateMap = std::map<std::string, at::Tensor>;

// How a state is loaded.
struct LoadOptions {
  bool strict = true;  // Anything missing, unexpected or mismatched throws.
};

// What a load met.
struct LoadReport {
  std::vector<std::string> loaded;      // Paths that took their value.
  std::vector<std::string> missing;     // Variables without a value.
  std::vector<std::string> unexpected;  // Values without a variable.
  std::vector<std::string> mismatched;  // "path: has [2], got [3]".

  // Whether nothing but `loaded` has entries.
  bool complete() const {
    return missing.empty() && unexpected.empty() && mismatched.empty();
  }
  // The lists as text, an empty one left out.
  std::string text() const;
};

namespace detail {
StateMap state_of(const std::vector<NamedVariable>& named);
LoadReport load_into(const std::vector<Found>& found, const StateMap& values,
                     const LoadOptions& options, std::string_view who);
void copy_values(const std::vector<Found>& from, const std::vector<Found>& to,
                 double tau);
}  // namespace detail

// The values of all variables of `module`, trained or not, by path. The tensors
// are the variables' own, detached: clone them to keep a snapshot.
template <class M>
StateMap state(const M& module) {
  return detail::state_of(named_variables(module, {.allow_empty = true}));
}

// Sets the variables of `module` from values by path. A variable that no call
// has made yet keeps its value for that call (and checks it then).
//
//     snt::Linear a{3}, b{3};
//     a(at::ones({2, 4}));
//     snt::load(b, snt::state(a));  // b takes the values on its first call.
//
// Throws ValueError with the whole report when something is missing, unexpected
// or of another shape or dtype, unless `strict` is off; nothing has changed
// then.
template <class M>
LoadReport load(const M& module, const StateMap& values,
                LoadOptions options = {}) {
  return detail::load_into(detail::find_variables(module), values, options,
                           reflect::class_name<M>());
}

// How parameters are copied.
struct CopyOptions {
  double tau = 1.0;  // to = tau * from + (1 - tau) * to.
};

// Copies the values of all variables of one module to another of the same
// structure: to = tau from + (1 - tau) to. With a small tau this is the slowly
// following target network of Lillicrap et al. 2015 (DDPG) in one line.
//
//     snt::Linear online{3};
//     online(at::ones({2, 4}));
//     snt::Linear target = snt::clone(online);
//     snt::copy_parameters(online, target, {.tau = 0.005});
//
// Integer variables (counters) are copied whatever tau is.
//
// Throws ValueError when the structures differ, when something is not built, or
// when both share variables (a copy shares: use snt::clone). Nothing has
// changed then.
template <class A, class B>
void copy_parameters(const A& from, const B& to, CopyOptions options = {}) {
  detail::copy_values(detail::find_variables(from), detail::find_variables(to),
                      options.tau);
}

}  // namespace snt
