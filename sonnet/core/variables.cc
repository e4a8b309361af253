#include "sonnet/core/variables.h"

#include <ATen/ATen.h>

#include <unordered_map>
#include <unordered_set>

#include "sonnet/core/errors.h"

namespace snt::detail {
namespace {

// Sonnet's text (base.py, NO_VARIABLES_ERROR), with C++ in place of Python.
std::string no_variables(const std::string& repr, std::string_view property) {
  const std::string name(property);
  return repr + " does not currently contain any " + name +
         ".\n\nMost Sonnet modules create variables the first time they are "
         "called with an\ninput and requesting variables before this "
         "typically indicates a coding error.\n\nYou should refactor your "
         "code such that you request module variables after you\npass an "
         "example input to the module. For example:\n\n    auto module = " +
         repr +
         ";\n    auto output = module(input);\n    auto params = snt::" + name +
         "(module);\n\nor call snt::build(module, input) first. If the module "
         "is stateless consider using\n`snt::allow_empty_variables(module)` "
         "to suppress this error:\n\n    auto params = snt::" +
         name + "(snt::allow_empty_variables(module));\n";
}

std::string joined(const std::vector<std::string>& paths) {
  std::string text;
  for (const std::string& path : paths) {
    text += (text.empty() ? "" : ", ") + path;
  }
  return text;
}

}  // namespace

std::vector<Found> find_variables(const std::function<void(Walker&)>& walk) {
  struct Finder : Walker {
    void on_variable(Variable& variable) override {
      const auto [it, is_new] = first.emplace(variable.id(), path());
      if (is_new) variable.set_path(path(), name());
      found.push_back(
          {path(), name(), variable, is_new ? std::string() : it->second});
    }
    std::unordered_map<const void*, std::string> first;
    std::vector<Found> found;
  } finder;
  walk(finder);
  return std::move(finder.found);
}

std::vector<NamedVariable> list_variables(
    const std::vector<Found>& found, bool trainable_only,
    const VariablesOptions& options, const std::function<std::string()>& repr,
    std::string_view property) {
  std::vector<NamedVariable> result;
  std::vector<std::string> unbuilt;
  std::unordered_set<const void*> seen;
  for (const Found& entry : found) {
    const Variable& variable = entry.variable;
    if (!seen.insert(variable.id()).second) continue;
    if (trainable_only && !variable.trainable()) continue;
    if (variable.is_built()) {
      result.push_back({entry.path, variable});
    } else if (!variable.is_omitted()) {
      unbuilt.push_back(entry.path);
    }
  }
  if (result.empty() && !options.allow_empty) {
    throw ValueError(no_variables(repr(), property));
  }
  check(
      !trainable_only || unbuilt.empty() || options.allow_unbuilt ||
          result.empty(),
      property, [&] { return repr(); },
      " has variables that no call has created, so they would not be "
      "trained: ",
      [&] { return joined(unbuilt); },
      ". Call the module with an example input, or pass "
      "{.allow_unbuilt = true}.");
  return result;
}

std::vector<Variable> without_paths(const std::vector<NamedVariable>& named) {
  std::vector<Variable> result;
  result.reserve(named.size());
  for (const NamedVariable& entry : named) result.push_back(entry.variable);
  return result;
}

std::vector<Variable> matching(const std::vector<Found>& found,
                               const Pattern& pattern, std::string_view who) {
  std::vector<Variable> result;
  std::vector<std::string> paths;
  std::unordered_set<const void*> seen;
  for (const Found& entry : found) {
    paths.push_back(entry.path);
    if (pattern.matches(entry.path) &&
        seen.insert(entry.variable.id()).second) {
      result.push_back(entry.variable);
    }
  }
  check(!result.empty(), who, "no variable matches '", pattern.text(),
        "'; there are: ", [&] { return joined(paths); });
  return result;
}

std::vector<ModuleRef> find_modules(const std::function<void(Walker&)>& walk) {
  struct Finder : Walker {
    void on_module(const ModuleRef& module) override {
      if (module.path.empty()) return;
      const std::string key =
          std::to_string(reinterpret_cast<uintptr_t>(module.address)) +
          module.type->name();
      if (seen.insert(key).second) found.push_back(module);
    }
    std::unordered_set<std::string> seen;
    std::vector<ModuleRef> found;
  } finder;
  walk(finder);
  return std::move(finder.found);
}

void move_all(const std::function<void(Walker&)>& walk,
              const at::TensorOptions& options) {
  struct Mover : Walker {
    explicit Mover(const at::TensorOptions& o) : options(o) {}
    void on_variable(Variable& variable) override { variable.to(options); }
    void on_constant(at::Tensor& tensor) override {
      if (!tensor.defined()) return;
      if (options.device_opt()) tensor = tensor.to(options.device());
      if (options.dtype_opt() && tensor.is_floating_point()) {
        tensor = tensor.to(c10::typeMetaToScalarType(options.dtype()));
      }
    }
    const at::TensorOptions& options;
  } mover(options);
  walk(mover);
}

}  // namespace snt::detail
