#include "sonnet/core/hyperparameter.h"

#include <ATen/ATen.h>

#include "sonnet/core/config.h"
#include "sonnet/core/errors.h"
#include "sonnet/core/registry.h"

namespace snt {
namespace {

// What JSON says about a variable; dtype and name only where they matter.
Config variable_config(const Variable& variable) {
  if (!variable.is_built()) return {Config::Literal{"<Variable>"}};
  const double value = variable.value().item<double>();
  const std::string name = variable.name();
  Config::Map map{{"variable", {value}}};
  if (!name.empty()) {
    map.push_back({"name", {name.substr(name.rfind('/') + 1)}});
  }
  if (variable.dtype() != at::kFloat) {
    map.push_back({"dtype", {dtype_name(variable.dtype())}});
  }
  return {Config::Literal{format_double(value), {Config{std::move(map)}}}};
}

Hyperparameter variable_from(const Config& config, const std::string& where) {
  std::string name;
  double value = 0;
  at::ScalarType dtype = at::kFloat;
  for (const auto& [key, entry] : *config.get_if<Config::Map>()) {
    if (key == "variable") {
      value = from_config<double>(entry, where + ".variable");
    } else if (key == "name") {
      name = from_config<std::string>(entry, where + ".name");
    } else {
      check(key == "dtype", where, "unknown option '", key,
            "'; known: variable, name, dtype");
      dtype = from_config<at::ScalarType>(entry, where + ".dtype");
    }
  }
  const Variable variable(at::scalar_tensor(value, dtype), false);
  variable.set_path(name, name);
  return variable;
}

}  // namespace

Hyperparameter::Hyperparameter(const Variable& variable) : held_(variable) {
  check(!variable.is_built() || variable.value().numel() == 1, "Hyperparameter",
        "a variable must have one element, got shape ",
        [&] { return variable.shape(); });
}

Hyperparameter::Hyperparameter(const at::Tensor& tensor) : held_(tensor) {
  check(tensor.defined(), "Hyperparameter", "a tensor must be defined");
  check(tensor.dim() == 0, "Hyperparameter",
        "a tensor must have no dimensions, got shape ", tensor.sizes());
}

double Hyperparameter::value(int64_t step) const {
  struct Visitor {
    double operator()(double number) const { return number; }
    double operator()(const Variable& variable) const {
      return variable.value().item<double>();
    }
    double operator()(const at::Tensor& tensor) const {
      return tensor.item<double>();
    }
    double operator()(const Schedule& schedule) const { return schedule(step); }
    int64_t step;
  };
  return std::visit(Visitor{step}, held_);
}

at::ScalarType Hyperparameter::dtype() const {
  if (const auto* held = std::get_if<Variable>(&held_)) return held->dtype();
  if (const auto* tensor = std::get_if<at::Tensor>(&held_)) {
    return tensor->scalar_type();
  }
  return at::kFloat;
}

Config Hyperparameter::config() const {
  if (const auto* held = std::get_if<Variable>(&held_)) {
    return variable_config(*held);
  }
  if (const auto* schedule = std::get_if<Schedule>(&held_)) {
    return schedule->config();
  }
  return {value()};
}

Hyperparameter ConfigTraits<Hyperparameter>::from(const Config& config,
                                                  const std::string& where) {
  if (config.find("variable") != nullptr) return variable_from(config, where);
  if (config.find("class") != nullptr || config.get_if<std::string>()) {
    return registry<Schedule>().make(config, where);
  }
  if (const auto* number = config.get_if<double>()) return *number;
  if (const auto* number = config.get_if<int64_t>()) return *number;
  detail::fail_config(config, where,
                      "a number, {\"variable\": ...} or {\"class\": ..., "
                      "\"config\": {...}} of a schedule");
}

}  // namespace snt
