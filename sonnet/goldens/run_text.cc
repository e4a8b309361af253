#include <ATen/ATen.h>

#include <algorithm>
#include <regex>

#include "sonnet/conformance/class_table.h"
#include "sonnet/core/errors.h"
#include "sonnet/core/table.h"
#include "sonnet/goldens/creation.h"
#include "sonnet/goldens/decode.h"
#include "sonnet/goldens/repr.h"
#include "sonnet/goldens/run.h"
#include "sonnet/goldens/run_on_ones.h"

namespace snt::goldens {
namespace {

void run_format_variables(const Json& json, Outcome& outcome) {
  std::vector<conformance::Subject> subjects;
  std::vector<Variable> variables;
  for (size_t i = 0; i < json.at("modules").size(); ++i) {
    const auto subject = subjects.emplace_back(build(json["modules"][i], {}));
    if (json.at("input_shapes").at(i).is_null()) {
      create_without_input(subject);
    } else {
      call_on_ones(subject, json["input_shapes"][i],
                   json.at("call_kwargs").at(i));
    }
    for (const Variable& variable : subject.variables()) {
      variables.push_back(variable);
    }
  }
  const std::string format =
      json.value("options", Json::object()).value("tablefmt", "orgtbl");
  const std::string got = format_variables(variables, format);
  outcome.expect(got == json.at("text").get<std::string>(), "text:\n", got,
                 "\ninstead of\n", json["text"].get<std::string>());
}

void run_reprs(const Json& json, Outcome& outcome) {
  for (const Json& entry : json.at("entries")) {
    const std::set<std::string> missing = missing_names(entry);
    outcome.missing.insert(missing.begin(), missing.end());
    if (!missing.empty()) continue;
    const conformance::Subject subject = build(entry, {});
    const std::string want = entry.at("repr").get<std::string>();
    const std::string got = subject.repr();
    outcome.expect(repr_matches(got, want, entry.value("repr_exact", true)),
                   "repr: ", got, " instead of ", want);
    if (!entry.at("name").is_null()) {
      outcome.expect_equal(got + " name", subject.name(),
                           entry["name"].get<std::string>());
    }
  }
}

// The name of a class as a listing of a module has it: the convolutions inside
// a convolutional LSTM are ConvND in Sonnet.
std::string listed_class(std::string_view listed, std::string_view name) {
  static const std::regex lstm("Conv[123]DLSTM"), conv("Conv[123]D");
  const bool is_inside = std::regex_match(listed.begin(), listed.end(), lstm) &&
                         std::regex_match(name.begin(), name.end(), conv);
  return std::string(is_inside ? "ConvND" : name);
}

void run_listing(const Json& json, Outcome& outcome) {
  const conformance::Subject subject = build(json, {});
  if (json.at("input_shape").is_null()) {
    create_without_input(subject);
  } else {
    call_on_ones(subject, json["input_shape"], json.at("call_kwargs"));
  }
  const auto variables = built_variables(subject);
  std::set<const void*> listed;
  int64_t trainable = 0;
  int64_t numbers = 0;
  for (const Json& variable : json.at("variables")) {
    const std::string path = variable.at("path").get<std::string>();
    const auto it = variables.find(path);
    if (it == variables.end()) {
      outcome.fail(path, ": there is no such variable");
      continue;
    }
    const Variable& v = it->second;
    listed.insert(v.id());
    outcome.expect_equal(path + " trainable", v.trainable(),
                         variable.at("trainable").get<bool>());
    outcome.expect_equal(path + " shape", v.shape().vec(),
                         variable.at("shape").get<std::vector<int64_t>>());
    outcome.expect_equal(path + " dtype", format(v.dtype()),
                         variable.at("dtype").get<std::string>());
    trainable += v.trainable();
    if (v.trainable()) numbers += v.value().numel();
  }
  for (const auto& [path, variable] : variables) {
    outcome.expect(listed.contains(variable.id()), path,
                   ": a variable that Sonnet does not have");
  }
  const Json& counts = json.at("counts");
  outcome.expect_equal("variables", static_cast<int64_t>(listed.size()),
                       counts.at("variables").get<int64_t>());
  outcome.expect_equal("trainable variables", trainable,
                       counts.at("trainable").get<int64_t>());
  outcome.expect_equal("trainable parameters", numbers,
                       counts.at("trainable_parameters").get<int64_t>());

  std::multiset<std::string> got;
  for (const ModuleRef& module : subject.submodules()) {
    got.insert(
        listed_class(json.at("class").get<std::string>(), module.class_name));
  }
  std::multiset<std::string> want;
  for (const Json& module : json.at("submodules")) {
    want.insert(module.at("class").get<std::string>());
  }
  outcome.expect(got == want, "classes of submodules: ", got, " instead of ",
                 want);
}

}  // namespace

void run_text(const Case& golden, Outcome& outcome) {
  const std::string kind = golden.json.at("kind").get<std::string>();
  if (kind == "format_variables") {
    run_format_variables(golden.json, outcome);
  } else if (kind == "repr") {
    run_reprs(golden.json, outcome);
  } else if (kind == "listing") {
    run_listing(golden.json, outcome);
  } else if (kind == "api") {
    outcome.is_case = false;
    outcome.notes.push_back("names of Python: nothing to run");
  } else {
    throw ValueError("[goldens] unknown kind of text: " + kind);
  }
}

}  // namespace snt::goldens
