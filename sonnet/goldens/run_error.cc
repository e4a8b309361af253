#include <ATen/ATen.h>

#include <functional>
#include <optional>
#include <regex>

#include "sonnet/conformance/class_table.h"
#include "sonnet/core/errors.h"
#include "sonnet/goldens/decode.h"
#include "sonnet/goldens/repr.h"
#include "sonnet/goldens/run.h"

namespace snt::goldens {
namespace {

using conformance::Subject;

// What was thrown, and where.
struct Thrown {
  std::string where;
  std::string type;  // Sonnet's name for it: "ValueError".
  std::string message;
};

std::optional<Thrown> thrown_by(const std::string& where,
                                const std::function<void()>& action) {
  try {
    action();
    return std::nullopt;
  } catch (const ValueError& error) {
    return Thrown{where, "ValueError", error.what()};
  } catch (const TypeError& error) {
    return Thrown{where, "TypeError", error.what()};
  } catch (const KeyError& error) {
    return Thrown{where, "KeyError", error.what()};
  } catch (const NotBuiltError& error) {
    return Thrown{where, "AttributeError", error.what()};
  } catch (const NotImplementedError& error) {
    return Thrown{where, "NotImplementedError", error.what()};
  } catch (const std::exception& error) {
    return Thrown{where, "exception", error.what()};
  }
}

// A failure of the table or of this runner, or something that the library lacks
// and Sonnet has: not the error that a case is about. (Python may be given
// arguments that do not exist.)
bool is_other(const Thrown& thrown, bool is_python) {
  const auto says = [&](const char* words) {
    return thrown.message.find(words) != std::string::npos;
  };
  return says("[goldens]") || says("the table has no") ||
         (!is_python &&
          (says("unknown option '") || says("unknown argument '") ||
           says("unknown class '")));
}

void apply_updates(const Subject& subject, const Json& call) {
  std::vector<Variable> parameters;
  for (const Json& parameter : call.at("parameters")) {
    parameters.emplace_back(stand_in(parameter));
  }
  std::vector<at::Tensor> updates;
  for (const Json& update : call.at("updates")) {
    updates.push_back(update.is_null() ? at::Tensor() : stand_in(update));
  }
  check<KeyError>(static_cast<bool>(subject.row().apply), "goldens",
                  "the table has no optimizer of this name");
  subject.row().apply(subject, updates, parameters);
}

// A function, or a class that stands for one (deep_rnn_with_...).
void call_function(const Json& json) {
  const std::string name = json.at("function").get<std::string>();
  if (conformance::class_table().find_function(name) == nullptr) {
    build(Json{{"class", name}, {"config", json.value("kwargs", Json())}}, {});
    return;
  }
  invoke_function(name, nullptr, Arguments(json, {}));
}

// Does the invalid thing, until something is thrown.
std::optional<Thrown> run(const Json& json) {
  if (json.contains("function")) {
    return thrown_by("function", [&] { call_function(json); });
  }
  std::optional<Subject> subject;
  auto thrown = thrown_by("constructor", [&] { subject = build(json, {}); });
  if (thrown) return thrown;
  int number = 0;
  for (const Json& call : json.value("calls", Json::array())) {
    const std::string where = "call " + std::to_string(number++);
    thrown = thrown_by(where, [&] {
      if (call.contains("apply")) {
        apply_updates(*subject, call["apply"]);
      } else {
        invoke(*subject, call, Arguments(call, {}));
      }
    });
    if (thrown) return thrown;
  }
  return std::nullopt;
}

// Options are checked when they are read from JSON, as here, and otherwise in
// the first call.
bool place_fits(const std::string& got, const std::string& want) {
  return got == want || (got == "constructor" && want == "call 0");
}

// "[Constant.value] must be a number, got [1.0, 2.0]": an option of a type that
// the struct does not have. In C++ it does not compile; JSON is refused so.
bool is_wrong_type_in_json(const Thrown& thrown) {
  static const std::regex refusal(
      R"(\[\w+(\.\w+|\[\d+\]|\([\w.]+\))*\] must be [^]*, got [^]*)");
  return (thrown.where == "constructor" || thrown.where == "function") &&
         thrown.type == "ValueError" &&
         std::regex_match(thrown.message, refusal);
}

// Errors of Python's about the arguments of a call, and about abstract classes.
bool is_compile_error(const std::string& message) {
  static const std::regex words(
      R"(missing \d+ required|takes .* argument.* given)"
      R"(|unexpected keyword argument|abstract class)");
  return std::regex_search(message, words);
}

// Errors of Python's own operations in Sonnet's code, which checks nothing
// there and has no words of its own.
bool is_pythons_own(const std::string& type, const std::string& message) {
  static const std::regex words(
      R"(object is not (callable|iterable|subscriptable)|values to unpack)"
      R"(|unsupported operand|not supported between|bytes-like object)");
  return type == "IndexError" || type == "ZeroDivisionError" ||
         std::regex_search(message, words);
}

}  // namespace

void run_error(const Case& golden, Outcome& outcome) {
  const Json& json = golden.json;
  const std::string where = json.at("where").get<std::string>();
  const std::string type = json.at("raises").get<std::string>();
  const std::string message = json.at("message").get<std::string>();
  const std::string raised_by = json.at("raised_by").get<std::string>();

  const bool is_python = raised_by == "python" ||
                         is_pythons_own(type, message) ||
                         (type == "TypeError" && is_compile_error(message));

  const std::optional<Thrown> thrown = run(json);
  if (!thrown) {
    outcome.fail("nothing was thrown instead of ", type, " at ", where, ": ",
                 message);
    return;
  }
  const std::string got =
      thrown->type + " at " + thrown->where + ": " + thrown->message;
  outcome.expect(!is_other(*thrown, is_python), got);
  outcome.expect(place_fits(thrown->where, where), got, "; instead of at ",
                 where);

  // That it is an error is all that matters.
  if (is_python || raised_by != "sonnet") {
    if (is_python && is_compile_error(message)) {
      outcome.notes.push_back("a compile error in C++; here: " + got);
    }
    return;
  }
  if (type == "TypeError" && is_wrong_type_in_json(*thrown)) {
    outcome.notes.push_back("a compile error in C++; from JSON: " + got);
    return;
  }
  outcome.expect(thrown->type == type, got, "; instead of a ", type);
  outcome.expect(message_matches(thrown->message, message), got,
                 "; without the words: ", message);
}

}  // namespace snt::goldens
