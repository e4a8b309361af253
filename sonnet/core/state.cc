#include "sonnet/core/state.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <unordered_map>
#include <unordered_set>

#include "sonnet/core/errors.h"
#include "sonnet/core/half.h"

namespace snt {
namespace {

std::string listed(const char* title, const std::vector<std::string>& entries) {
  std::string text;
  for (const std::string& entry : entries) {
    text += (text.empty() ? title : ", ") + entry;
  }
  return text.empty() ? text : text + "; ";
}

std::string shape_and_dtype(const at::Tensor& tensor) {
  if (!tensor.defined()) return "no tensor";
  return format(tensor.sizes(), " ", tensor.scalar_type());
}

}  // namespace

std::string LoadReport::text() const {
  std::string text = listed("missing: ", missing) +
                     listed("unexpected: ", unexpected) +
                     listed("mismatched: ", mismatched);
  if (!text.empty()) text.resize(text.size() - 2);
  return text;
}

namespace detail {

StateMap state_of(const std::vector<NamedVariable>& named) {
  StateMap result;
  for (const NamedVariable& entry : named) {
    result.emplace(entry.path, source(entry.variable).detach());
  }
  return result;
}

LoadReport load_into(const std::vector<Found>& found, const StateMap& values,
                     const LoadOptions& options, std::string_view who) {
  LoadReport report;
  std::vector<std::pair<Variable, at::Tensor>> todo;
  std::unordered_set<std::string> known;
  std::unordered_set<const void*> given;
  for (const Found& entry : found) {
    if (values.contains(entry.path)) given.insert(entry.variable.id());
  }
  for (const Found& entry : found) {
    known.insert(entry.path);
    const auto it = values.find(entry.path);
    const Variable& variable = entry.variable;
    if (it == values.end()) {
      // A shared variable needs a value under one of its paths only.
      if (variable.is_built() && entry.first_path.empty() &&
          !given.contains(variable.id())) {
        report.missing.push_back(entry.path);
      }
    } else if (!it->second.defined() ||
               (variable.is_built() &&
                (variable.shape() != it->second.sizes() ||
                 variable.dtype() != it->second.scalar_type()))) {
      report.mismatched.push_back(
          entry.path +
          (variable.is_built() ? ": has " + shape_and_dtype(source(variable))
                               : ": is not built") +
          ", got " + shape_and_dtype(it->second));
    } else {
      report.loaded.push_back(entry.path);
      todo.emplace_back(variable, it->second);
    }
  }
  for (const auto& [path, value] : values) {
    if (!known.contains(path)) report.unexpected.push_back(path);
  }
  check(!options.strict || report.complete(), who,
        "cannot load: ", report.text());
  for (const auto& [variable, value] : todo) variable.restore(value);
  return report;
}

void copy_values(const std::vector<Found>& from, const std::vector<Found>& to,
                 double tau) {
  const char* who = "copy_parameters";
  check(tau >= 0 && tau <= 1, who, "tau must be in [0, 1], got ", tau);
  std::map<std::string, Variable> sources;
  std::unordered_set<const void*> source_ids;
  for (const Found& entry : from) {
    sources.emplace(entry.path, entry.variable);
    source_ids.insert(entry.variable.id());
  }

  std::vector<std::pair<Variable, Variable>> pairs;
  std::unordered_set<std::string> met;
  std::unordered_map<const void*, Variable> done;  // The source of each target.
  for (const Found& entry : to) {
    met.insert(entry.path);
    const auto it = sources.find(entry.path);
    check(it != sources.end(), who, "only the second module has '", entry.path,
          "'");
    const Variable& source = it->second;
    const Variable& target = entry.variable;
    check(!source_ids.contains(target.id()), who, "both modules share '",
          entry.path,
          "': a copy shares its variables, use snt::clone for the second");
    const auto [other, is_new] = done.emplace(target.id(), source);
    check(other->second == source, who, "'", entry.path,
          "' is shared in the second module only");
    if (!is_new || (!source.is_built() && !target.is_built())) continue;
    check(source.is_built() && target.is_built(), who, "'", entry.path,
          "' is built in one module only: call both once");
    check(source.shape() == target.shape() && source.dtype() == target.dtype(),
          who, "'", entry.path, "' has ",
          shape_and_dtype(detail::source(source)), " and ",
          shape_and_dtype(detail::source(target)));
    pairs.emplace_back(source, target);
  }
  for (const Found& entry : from) {
    check(met.contains(entry.path), who, "only the first module has '",
          entry.path, "'");
  }
  const at::NoGradGuard no_grad;
  for (const auto& [source, target] : pairs) {
    const at::Tensor value = detail::source(source).to(target.device());
    const at::ScalarType dtype = value.scalar_type();
    if (tau == 1.0 || at::isIntegralType(dtype, /*includeBool=*/true)) {
      target.assign(value);
    } else if (detail::is_half(dtype)) {
      // libtorch 1.13 has no kernel for half types on the CPU.
      target.assign(at::lerp(detail::source(target).to(at::kFloat),
                             value.to(at::kFloat), tau)
                        .to(dtype));
    } else {
      target.assign(at::lerp(detail::source(target), value, tau));
    }
  }
}

}  // namespace detail
}  // namespace snt
