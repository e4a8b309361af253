#include <ATen/ATen.h>

#include "sonnet/conformance/class_table.h"
#include "sonnet/core/errors.h"
#include "sonnet/goldens/creation.h"
#include "sonnet/goldens/decode.h"
#include "sonnet/goldens/repr.h"
#include "sonnet/goldens/run.h"

namespace snt::goldens {
namespace {

// null, a tensor, or rows of one: {"indices", "values"}.
at::Tensor update_of(const Json& json, const Variable& parameter,
                     const Tensors& tensors) {
  if (json.is_null()) return {};
  if (json.is_string()) return tensors.at(json.get<std::string>()).clone();
  const at::Tensor indices =
      tensors.at(json.at("indices").get<std::string>()).to(at::kLong);
  const at::Tensor values = tensors.at(json.at("values").get<std::string>());
  return at::sparse_coo_tensor(indices.unsqueeze(0), values, parameter.shape());
}

// The variables of the optimizer are those of the step, with its values.
void check_state(const Json& wanted, const conformance::Subject& subject,
                 const Tensors& tensors, const Tolerance& tolerance,
                 Outcome& outcome) {
  const auto variables = built_variables(subject);
  for (const auto& [path, variable] : variables) {
    outcome.expect(wanted.contains(path), path,
                   ": a variable that Sonnet does not have");
  }
  for (const auto& [path, key] : wanted.items()) {
    const auto it = variables.find(path);
    if (it == variables.end()) {
      outcome.fail(path, ": there is no such variable");
      continue;
    }
    compare(key.get<std::string>(), it->second.value(),
            tensors.at(key.get<std::string>()), tolerance, outcome);
  }
}

void check_variables(const Json& wanted, const conformance::Subject& subject,
                     Outcome& outcome) {
  const auto variables = built_variables(subject);
  for (const Json& variable : wanted) {
    const std::string path = variable.at("path").get<std::string>();
    const auto it = variables.find(path);
    if (it == variables.end()) continue;  // Reported already.
    const Variable& v = it->second;
    outcome.expect_equal(path + " trainable", v.trainable(),
                         variable.at("trainable").get<bool>());
    outcome.expect_equal(path + " shape", v.shape().vec(),
                         variable.at("shape").get<std::vector<int64_t>>());
    outcome.expect_equal(path + " dtype", format(v.dtype()),
                         variable.at("dtype").get<std::string>());
  }
}

}  // namespace

void run_optimizer(const Case& golden, Outcome& outcome) {
  const Json& json = golden.json;
  const Tensors& tensors = golden.tensors;
  const Tolerance tolerance(json.at("tolerance"));
  const conformance::Subject subject = build(json, tensors);
  check<KeyError>(static_cast<bool>(subject.row().apply), "goldens",
                  golden.label, " is no optimizer");
  outcome.expect_equal("name", subject.name(), json["name"].get<std::string>());
  const std::string repr = json.at("repr").get<std::string>();
  outcome.expect(
      repr_matches(subject.repr(), repr, json.at("repr_exact").get<bool>()),
      "repr: ", subject.repr(), " instead of ", repr);

  std::vector<Variable> parameters;
  for (const Json& parameter : json.at("parameters")) {
    parameters.emplace_back(
        tensors.at(parameter.at("value").get<std::string>()));
  }
  int number = 0;
  for (const Json& step : json.at("steps")) {
    const std::string name = "step " + std::to_string(number++);
    const Json changes = step.value("set", Json::object());
    for (const auto& [option, value] : changes.items()) {
      subject.set_option(option, config_of(value, tensors));
    }
    std::vector<at::Tensor> updates;
    for (size_t i = 0; i < parameters.size(); ++i) {
      updates.push_back(
          update_of(step.at("updates").at(i), parameters[i], tensors));
    }
    subject.row().apply(subject, updates, parameters);
    for (size_t i = 0; i < parameters.size(); ++i) {
      const std::string key = step.at("parameters").at(i).get<std::string>();
      compare(key, parameters[i].value(), tensors.at(key), tolerance, outcome);
    }
    check_state(step.at("variables"), subject, tensors, tolerance, outcome);
    if (!outcome.problems.empty()) return;  // Later steps repeat them.
  }
  check_variables(json.at("variables"), subject, outcome);
}

}  // namespace snt::goldens
