// File: core/variables.h
// The variables and modules inside a module, with their paths.

#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sonnet/core/pattern.h"
#include "sonnet/core/variable.h"
#include "sonnet/core/walk.h"

namespace snt {

// What the listings below accept.
struct VariablesOptions {
  bool allow_empty = false;    // An empty result is no error.
  bool allow_unbuilt = false;  // Variables that no call has made are no error.
};

// A variable and where it was found.
struct NamedVariable {
  std::string path;  // The field path: "body/layers/0/w".
  Variable variable;
};

// A reference to a module without variables that shall not be an error; see
// `allow_empty_variables`.
template <class M>
struct AllowEmptyVariables {
  const M& module;  // The module itself.
};

// Lets `variables(...)` and its kin return an empty result for a module without
// variables. A struct can say it for all its objects with
// `static constexpr bool allow_empty_variables = true;`.
//
//     snt::Flatten flatten;
//     auto none = snt::variables(snt::allow_empty_variables(flatten));
template <class M>
AllowEmptyVariables<M> allow_empty_variables(const M& module) {
  return {module};
}

namespace detail {

// A Variable at one of its paths.
struct Found {
  std::string path;
  std::string name;
  Variable variable;
  std::string first_path;  // Where the same variable was met before, or empty.
};

// All variables, built or not, at all their paths. Tells each its first path.
std::vector<Found> find_variables(const std::function<void(Walker&)>& walk);
template <class M>
std::vector<Found> find_variables(const M& module) {
  const std::function<void(Walker&)> walk = [&](Walker& walker) {
    snt::walk(module, walker);
  };
  return find_variables(walk);
}

// The built ones among them, each once; throws as `variables` says.
std::vector<NamedVariable> list_variables(
    const std::vector<Found>& found, bool trainable_only,
    const VariablesOptions& options, const std::function<std::string()>& repr,
    std::string_view property);

template <class M>
std::vector<NamedVariable> list_variables(const M& module, bool trainable_only,
                                          VariablesOptions options,
                                          std::string_view property) {
  if constexpr (requires { M::allow_empty_variables; }) {
    options.allow_empty |= M::allow_empty_variables;
  }
  return list_variables(
      find_variables(module), trainable_only, options,
      [&] {
        if constexpr (std::is_aggregate_v<M> && std::is_class_v<M>) {
          return repr(module);
        } else {
          return std::string(reflect::class_name<M>());
        }
      },
      property);
}
template <class M>
std::vector<NamedVariable> list_variables(const AllowEmptyVariables<M>& allow,
                                          bool trainable_only,
                                          VariablesOptions options,
                                          std::string_view property) {
  options.allow_empty = true;
  return list_variables(allow.module, trainable_only, options, property);
}

std::vector<Variable> without_paths(const std::vector<NamedVariable>& named);
// The variables whose path matches, built or not; throws when there is none.
std::vector<Variable> matching(const std::vector<Found>& found,
                               const Pattern& pattern, std::string_view who);
std::vector<ModuleRef> find_modules(const std::function<void(Walker&)>& walk);
void move_all(const std::function<void(Walker&)>& walk,
              const at::TensorOptions& options);

}  // namespace detail

// The variables that `module` holds, trained or not, with their paths: in the
// order of declaration, a shared one at its first path only. (Sonnet sorts by
// attribute name.)
//
//     snt::Linear linear{3};
//     linear(at::ones({2, 4}));
//     for (const auto& [path, variable] : snt::named_variables(linear)) {
//       std::cout << path << " " << variable.value().sizes() << "\n";
//     }
//
// Throws ValueError when there is none (yet), unless that is allowed.
template <class M>
std::vector<NamedVariable> named_variables(const M& module,
                                           VariablesOptions options = {}) {
  return detail::list_variables(module, false, options, "variables");
}

// The same without the paths.
template <class M>
std::vector<Variable> variables(const M& module,
                                VariablesOptions options = {}) {
  return detail::without_paths(named_variables(module, options));
}

// The variables that training changes.
//
// Throws ValueError as `variables` does, and also when a variable that would be
// trained was never created, listing the paths: nothing is left out of training
// unnoticed. `allow_unbuilt` lets those pass.
template <class M>
std::vector<Variable> trainable_variables(const M& module,
                                          VariablesOptions options = {}) {
  return detail::without_paths(
      detail::list_variables(module, true, options, "trainable_variables"));
}

// The variables whose path matches a glob, also those that no call has made.
//
//     snt::nets::MLP mlp{.output_sizes = {4, 2}};
//     auto weights = snt::select(mlp, "layers/*/w");
//
// Throws ValueError when nothing matches, listing the paths there are.
template <class M>
std::vector<Variable> select(const M& module, const Pattern& pattern) {
  return detail::matching(detail::find_variables(module), pattern, "select");
}

// The modules inside `module` (itself excluded), in the order of declaration,
// each object once. They point into `module`.
template <class M>
std::vector<ModuleRef> submodules(const M& module) {
  return detail::find_modules(
      [&](Walker& walker) { snt::walk(module, walker); });
}

// Stops training the variables of `module`, or those that match.
//
// Throws ValueError when a pattern matches nothing.
template <class M>
void freeze(const M& module) {
  for (const detail::Found& found : detail::find_variables(module)) {
    found.variable.freeze();
  }
}
template <class M>
void freeze(const M& module, const Pattern& pattern) {
  for (const Variable& variable : select(module, pattern)) variable.freeze();
}

// Takes `freeze` back. Moving averages and other state stay untrained.
template <class M>
void unfreeze(const M& module) {
  for (const detail::Found& found : detail::find_variables(module)) {
    found.variable.freeze(false);
  }
}
template <class M>
void unfreeze(const M& module, const Pattern& pattern) {
  for (const Variable& variable : select(module, pattern)) {
    variable.freeze(false);
  }
}

// Moves the variables and constant tensors of `module` to a device and, where
// they are floating, to a dtype, in place. Handles stay valid.
//
//     snt::Linear linear{3};
//     linear(at::ones({2, 4}));
//     snt::to(linear, at::kDouble);
template <class M>
void to(M& module, const at::TensorOptions& options) {
  detail::move_all([&](Walker& walker) { snt::walk(module, walker); }, options);
}

}  // namespace snt
