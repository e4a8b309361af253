#include "sonnet/goldens/creation.h"

#include <ATen/ATen.h>

#include <set>
#include <unordered_map>
#include <unordered_set>

#include "sonnet/core/format.h"
#include "sonnet/core/random.h"
#include "sonnet/goldens/decode.h"
#include "sonnet/goldens/run_on_ones.h"

namespace snt::goldens {
namespace {

using conformance::Subject;

// Remembers the value with which each variable is first met.
class FirstValues : public snt::detail::ReadHook {
 public:
  FirstValues() { snt::detail::read_hook = this; }
  ~FirstValues() override { snt::detail::read_hook = nullptr; }

  const at::Tensor& read(const Variable& variable,
                         const at::Tensor& value) override {
    if (!values_.contains(variable.id())) {
      values_.emplace(variable.id(), value.detach().clone());
    }
    return value;
  }
  bool assign(const Variable& variable, const at::Tensor&) override {
    variable.value();  // Read it before it changes.
    return false;
  }

  // The value at creation; that of now for a variable that nothing touched.
  at::Tensor of(const Variable& variable) { return read_again(variable); }

 private:
  at::Tensor read_again(const Variable& variable) {
    variable.value();
    return values_.at(variable.id());
  }

  std::unordered_map<const void*, at::Tensor> values_;
};

bool all_exist(const Json& json, const std::map<std::string, Variable>& have) {
  if (!json.contains("variables")) return true;
  for (const Json& variable : json["variables"]) {
    if (!have.contains(variable.at("path").get<std::string>())) return false;
  }
  return true;
}

bool is_plain_call(const Json& call) {
  return !call.contains("method") && !call.contains("function");
}

// Variables that were found but that the case does not have, and those that
// stayed empty without being omitted.
void check_nothing_more(const Case& golden, const Subject& subject,
                        const std::set<const void*>& expected,
                        Outcome& outcome) {
  bool is_called = false;
  for (const Json& call : golden.json.at("calls")) {
    is_called |= is_plain_call(call);
  }
  std::unordered_set<const void*> seen;
  for (const auto& found : subject.find_variables()) {
    const Variable& variable = found.variable;
    if (!seen.insert(variable.id()).second) continue;
    if (variable.is_built()) {
      outcome.expect(expected.contains(variable.id()), found.path,
                     ": a variable that Sonnet does not have");
    } else if (is_called && variable.trainable()) {
      outcome.expect(variable.is_omitted(), found.path,
                     ": neither created by the calls nor omitted");
    }
  }
}

void check_maker(const std::string& path, const std::string& want, int got,
                 Outcome& outcome) {
  if (want == "constructor") return;
  const int call = want == "first call" ? 0 : std::stoi(want.substr(5));
  outcome.expect(got == call, path, ": created by ",
                 got < 0 ? "the constructor" : "call " + std::to_string(got),
                 " instead of ", want);
}

}  // namespace

std::map<std::string, Variable> built_variables(const Subject& subject) {
  std::map<std::string, Variable> result;
  for (const auto& found : subject.find_variables()) {
    if (found.variable.is_built()) result.emplace(found.path, found.variable);
  }
  return result;
}

Subject build_subject(const Case& golden) {
  const Subject subject = build(golden.json, golden.tensors);
  if (!golden.json.contains("derived")) return subject;
  const Json& derived = golden.json["derived"];
  invoke(subject, derived.at("call"),
         Arguments(derived.at("call"), golden.tensors));
  const Arguments arguments(derived, golden.tensors);
  return subject.derive(derived.at("method").get<std::string>(),
                        arguments.args(), arguments.kwargs());
}

Creation create(const Case& golden, uint64_t seed) {
  snt::seed(seed);
  FirstValues first_values;
  Creation result{build_subject(golden), {}, {}};
  const auto note = [&](int call) {
    auto have = built_variables(result.subject);
    for (const auto& [path, variable] : have) {
      result.made_by.try_emplace(path, call);
    }
    return have;
  };
  auto have = note(-1);
  int number = 0;
  for (const Json& call : golden.json.at("calls")) {
    // One call at least: it omits what a module does not need.
    if (number > 0 && all_exist(golden.json, have)) break;
    invoke(result.subject, call, Arguments(call, golden.tensors));
    have = note(number++);
  }
  if (!all_exist(golden.json, have)) {
    create_without_input(result.subject);
    have = note(-1);
  }
  for (const auto& [path, variable] : have) {
    result.initial.emplace(path, first_values.of(variable));
  }
  return result;
}

void check_creation(const Case& golden, const Creation& creation,
                    const Creation& other_seed, Outcome& outcome) {
  const auto have = built_variables(creation.subject);
  const Json& json = golden.json;
  const Json initial = json.value("initial", Json::object());
  const Tolerance tolerance(json.at("tolerance"));

  std::set<const void*> expected;
  std::set<std::string> trainable;
  for (const Json& variable : json.at("variables")) {
    const std::string path = variable.at("path").get<std::string>();
    const auto it = have.find(path);
    if (it == have.end()) {
      outcome.fail(path, ": there is no such variable");
      continue;
    }
    const Variable& v = it->second;
    outcome.expect(expected.insert(v.id()).second, path,
                   ": is the same variable as another one");
    outcome.expect_equal(path + " trainable", v.trainable(),
                         variable.at("trainable").get<bool>());
    outcome.expect_equal(path + " shape", v.shape().vec(),
                         variable.at("shape").get<std::vector<int64_t>>());
    outcome.expect_equal(path + " dtype", format(v.dtype()),
                         variable.at("dtype").get<std::string>());
    check_maker(path, variable.at("created_by").get<std::string>(),
                creation.made_by.at(path), outcome);
    if (v.trainable()) trainable.insert(path);

    const at::Tensor& value = creation.initial.at(path);
    const auto other = other_seed.initial.find(path);
    const bool is_random =
        other == other_seed.initial.end() || !at::equal(value, other->second);
    outcome.expect_equal(path + " random", is_random, !initial.contains(path));
    if (initial.contains(path)) {
      compare("initial " + path, value,
              golden.tensors.at(initial[path].get<std::string>()), tolerance,
              outcome);
    }
  }
  outcome.expect(
      trainable == json.at("trainable_variables").get<std::set<std::string>>(),
      "trainable variables: ", trainable, " instead of ",
      json["trainable_variables"].dump());
  check_nothing_more(golden, creation.subject, expected, outcome);
}

}  // namespace snt::goldens
