#include "sonnet/conformance/signature.h"

#include <algorithm>

#include "sonnet/core/errors.h"

namespace snt::conformance {
namespace {

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

Nest literal(const std::string& text) {
  if (text == "None") return {};
  if (text == "True" || text == "False") return text == "True";
  if (text.size() >= 2 && text.front() == '\'') {
    return text.substr(1, text.size() - 2);
  }
  if (text.find_first_of(".e") == text.npos) {
    return static_cast<int64_t>(std::stoll(text));
  }
  return std::stod(text);
}

}  // namespace

Signature::Signature(std::string_view text) {
  while (!trimmed(text).empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    const std::string_view parameter = text.substr(0, comma);
    const size_t equals = parameter.find('=');
    Parameter& added = parameters_.emplace_back();
    added.name = trimmed(parameter.substr(0, equals));
    if (equals != parameter.npos) {
      added.fallback =
          literal(std::string(trimmed(parameter.substr(equals + 1))));
    }
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
}

std::vector<Nest> Signature::bind(std::span<const Nest> args,
                                  const Keywords& keywords, bool fill,
                                  std::string_view who) const {
  std::vector<std::optional<Nest>> given(args.begin(), args.end());
  for (const auto& [name, value] : keywords) {
    const auto parameter = std::find_if(
        parameters_.begin(), parameters_.end(),
        [&name = name](const Parameter& p) { return p.name == name; });
    check<TypeError>(parameter != parameters_.end(), who, "unknown argument '",
                     name, "'");
    const size_t position = parameter - parameters_.begin();
    if (given.size() <= position) given.resize(position + 1);
    check<TypeError>(!given[position], who, "argument '", name,
                     "' is given twice");
    given[position] = value;
  }
  if (fill && given.size() < parameters_.size()) {
    given.resize(parameters_.size());
  }

  std::vector<Nest> result;
  for (size_t i = 0; i < given.size(); ++i) {
    if (!given[i]) given[i] = parameters_[i].fallback;
    check<TypeError>(
        given[i].has_value(), who, "argument '",
        [&] { return parameters_[i].name; }, "' is missing");
    result.push_back(*std::move(given[i]));
  }
  return result;
}

}  // namespace snt::conformance
