#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>

#include "sonnet/conformance/class_table.h"
#include "sonnet/core/errors.h"
#include "sonnet/goldens/creation.h"
#include "sonnet/goldens/decode.h"
#include "sonnet/goldens/repr.h"
#include "sonnet/goldens/run.h"

namespace snt::goldens {
namespace {

using conformance::Subject;
using Variables = std::map<std::string, Variable>;

// Walks a nest beside the JSON that describes it: f(nest, json) for each leaf.
template <class F>
void walk_beside(const Nest& nest, const Json& json, const std::string& where,
                 Outcome& outcome, const F& f) {
  const auto* list = nest.get_if<Nest::List>();
  const auto* dict = nest.get_if<Nest::Dict>();
  if (json.is_array()) {
    if (list == nullptr || list->size() != json.size()) {
      outcome.fail(where, ": ", nest.kind(), " instead of a list of ",
                   json.size());
      return;
    }
    for (size_t i = 0; i < json.size(); ++i) {
      walk_beside((*list)[i], json[i], where + "/" + std::to_string(i), outcome,
                  f);
    }
  } else if (json.is_object()) {
    bool same = dict != nullptr && dict->size() == json.size();
    for (const auto& [key, entry] : json.items()) {
      same = same && std::any_of(dict->begin(), dict->end(),
                                 [&key = key](const auto& item) {
                                   return item.first == key;
                                 });
    }
    if (!same) {
      outcome.fail(where, ": ", nest.kind(), " instead of ", json.dump());
      return;
    }
    for (const auto& [key, entry] : json.items()) {
      walk_beside(nest.at(key), entry, where + "/" + key, outcome, f);
    }
  } else {
    f(nest, json);
  }
}

void compare_plain(const std::string& name, const Nest& got, const Json& want,
                   const Tolerance& tolerance, Outcome& outcome) {
  bool ok = false;
  if (want.is_null()) {
    ok = got.is_none();
  } else if (const auto* flag = got.get_if<bool>()) {
    ok = want.is_boolean() && *flag == want.get<bool>();
  } else if (const auto* integer = got.get_if<int64_t>()) {
    ok = want.is_number_integer() && *integer == want.get<int64_t>();
  } else if (const auto* number = got.get_if<double>()) {
    if (want.is_number_float()) {
      compare(name, at::scalar_tensor(*number, at::kDouble),
              at::scalar_tensor(want.get<double>(), at::kDouble), tolerance,
              outcome);
      return;
    }
  }
  outcome.expect(ok, name, ": ", got.kind(), " instead of ", want.dump());
}

void compare_outputs(const std::string& name, const Nest& outputs,
                     const Json& want, const Tensors& tensors,
                     const Tolerance& tolerance, Outcome& outcome) {
  walk_beside(outputs, want, name, outcome,
              [&](const Nest& leaf, const Json& json) {
                const auto* tensor = leaf.get_if<at::Tensor>();
                if (!json.is_string()) {
                  compare_plain(name, leaf, json, tolerance, outcome);
                } else if (tensor == nullptr) {
                  outcome.fail(name, ": ", leaf.kind(), " instead of a tensor");
                } else {
                  const std::string key = json.get<std::string>();
                  compare(key, *tensor, tensors.at(key), tolerance, outcome);
                }
              });
}

// The gradients of sum(outputs * cotangents); undefined where there is none.
std::vector<at::Tensor> gradients_of(const Nest& outputs,
                                     const Json& cotangents,
                                     const Tensors& tensors,
                                     const std::vector<at::Tensor>& sources,
                                     Outcome& outcome) {
  std::vector<at::Tensor> values;
  std::vector<at::Tensor> weights;
  walk_beside(outputs, cotangents, "cotangents", outcome,
              [&](const Nest& leaf, const Json& json) {
                const auto* tensor = leaf.get_if<at::Tensor>();
                if (!json.is_string() || tensor == nullptr) return;
                if (!tensor->requires_grad()) return;
                values.push_back(*tensor);
                weights.push_back(tensors.at(json.get<std::string>()));
              });
  std::vector<at::Tensor> wanted;
  for (const at::Tensor& source : sources) {
    if (source.requires_grad()) wanted.push_back(source);
  }
  std::vector<at::Tensor> found;
  if (!values.empty() && !wanted.empty()) {
    found = torch::autograd::grad(values, wanted, weights,
                                  /*retain_graph=*/false,
                                  /*create_graph=*/false,
                                  /*allow_unused=*/true);
  }
  found.resize(wanted.size());
  std::vector<at::Tensor> result;
  for (auto next = found.begin(); const at::Tensor& source : sources) {
    result.push_back(source.requires_grad() ? *next++ : at::Tensor());
  }
  return result;
}

void check_gradients(const Json& call, const Nest& outputs,
                     const Variables& variables, const Tensors& inputs,
                     const Tensors& tensors, const Tolerance& tolerance,
                     const std::string& name, Outcome& outcome) {
  struct Wanted {
    std::string key;
    Json value;  // The name of a tensor, or null.
    bool is_parameter;
  };
  std::vector<Wanted> wanted;
  std::vector<at::Tensor> sources;
  for (const auto& [path, value] : call["grads"].at("params").items()) {
    wanted.push_back({path, value, true});
    sources.push_back(variables.at(path).value());
  }
  for (const auto& [input, value] : call["grads"].at("inputs").items()) {
    wanted.push_back({input, value, false});
    sources.push_back(inputs.at(input));
  }

  const std::vector<at::Tensor> gradients =
      gradients_of(outputs, call.at("cotangents"), tensors, sources, outcome);
  const auto sparse =
      call.value("sparse_grads", Json::array()).get<std::set<std::string>>();
  for (size_t i = 0; i < wanted.size(); ++i) {
    const auto& [key, value, is_parameter] = wanted[i];
    at::Tensor gradient = gradients[i];
    if (value.is_null()) {
      outcome.expect(!gradient.defined(), name, " gradient of ", key,
                     ": a value instead of none");
      continue;
    }
    if (gradient.defined()) {
      outcome.expect_equal(name + " gradient of " + key + " is sparse",
                           gradient.is_sparse(), sparse.contains(key));
      if (gradient.is_sparse()) gradient = gradient.to_dense();
    }
    compare(value.get<std::string>(), gradient,
            tensors.at(value.get<std::string>()), tolerance, outcome);
  }
}

// Exactly the variables that a call names have changed, to the values it names.
void check_changes(const Json& call, const Variables& variables,
                   const Tensors& before, const Tensors& tensors,
                   const Tolerance& tolerance, const std::string& name,
                   Outcome& outcome) {
  const Json after = call.value("after", Json::object());
  for (const auto& [path, variable] : variables) {
    const at::Tensor value = variable.value().detach();
    const auto it = before.find(path);
    const bool changed = it == before.end() || !at::equal(value, it->second);
    outcome.expect_equal(name + " changed " + path, changed,
                         after.contains(path));
    if (after.contains(path)) {
      const std::string key = after[path].get<std::string>();
      compare(key, value, tensors.at(key), tolerance, outcome);
    }
  }
  for (const auto& [path, key] : after.items()) {
    outcome.expect(variables.contains(path), name, ": there is no variable ",
                   path);
  }
}

// The variables of a case, which are all there are, by the paths it gives them.
Variables listed_variables(const Case& golden, const Subject* subject) {
  Variables result;
  if (subject == nullptr || !golden.json.contains("variables")) return result;
  const Variables all = built_variables(*subject);
  for (const Json& variable : golden.json["variables"]) {
    const std::string path = variable.at("path").get<std::string>();
    result.emplace(path, all.at(path));
  }
  return result;
}

// Whether the recorded gradients are not those of the recorded outputs:
// TensorFlow differentiates BlockLSTMV2 with the gates of BlockLSTM, which come
// in another order. `computed_by` marks a case whose gradients are others.
bool has_wrong_gradients(const Case& golden) {
  return golden.label == "UnrolledLSTM" && golden.folder == "modules" &&
         !golden.json.contains("computed_by");
}

void run_call(const Case& golden, const Subject* subject, size_t number,
              const Tolerance& tolerance, Outcome& outcome) {
  const Json& call = golden.json["calls"][number];
  const std::string name = "call " + std::to_string(number);
  const Variables variables = listed_variables(golden, subject);
  Tensors before;
  for (const auto& [path, variable] : variables) {
    before.emplace(path, variable.value().detach().clone());
  }

  const Arguments arguments(call, golden.tensors);
  const Nest outputs =
      subject ? invoke(*subject, call, arguments)
              : invoke_function(golden.json.at("function").get<std::string>(),
                                nullptr, arguments);

  compare_outputs(name, outputs, call.at("outputs"), golden.tensors, tolerance,
                  outcome);
  if (call.contains("cotangents")) {
    if (has_wrong_gradients(golden)) {
      outcome.not_compared =
          "gradients of UnrolledLSTM as TensorFlow gives them on a CPU: see "
          "docs/differences.md";
    } else {
      check_gradients(call, outputs, variables, arguments.inputs(),
                      golden.tensors, tolerance, name, outcome);
    }
  }
  check_changes(call, variables, before, golden.tensors, tolerance, name,
                outcome);
}

void check_texts(const Json& json, const Subject& subject, Outcome& outcome) {
  if (json.contains("name")) {
    outcome.expect_equal("name", subject.name(),
                         json["name"].get<std::string>());
  }
  if (json.contains("repr")) {
    const std::string want = json["repr"].get<std::string>();
    const std::string got = subject.repr();
    outcome.expect(repr_matches(got, want, json.value("repr_exact", true)),
                   "repr: ", got, " instead of ", want);
  }
}

}  // namespace

void run_calls(const Case& golden, Outcome& outcome) {
  const Json& json = golden.json;
  const Tolerance tolerance(json.at("tolerance"));
  std::optional<Subject> subject;
  if (json.contains("class") && !json.contains("variables")) {
    subject = build(json, golden.tensors);  // An initializer, a regularizer.
  } else if (json.contains("class")) {
    const Creation other = create(golden, 23);
    const Creation creation = create(golden, 11);
    subject = creation.subject;
    check_texts(json, build_subject(golden), outcome);
    check_creation(golden, creation, other, outcome);
    if (!outcome.problems.empty()) return;  // Values would not fit.

    const Variables variables = built_variables(*subject);
    for (const Json& variable : json["variables"]) {
      variables.at(variable["path"].get<std::string>())
          .assign(golden.tensors.at(variable.at("value").get<std::string>()));
    }
  }
  for (size_t i = 0; i < json.at("calls").size(); ++i) {
    run_call(golden, subject ? &*subject : nullptr, i, tolerance, outcome);
  }
}

}  // namespace snt::goldens
