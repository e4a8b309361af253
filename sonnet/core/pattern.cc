#include "sonnet/core/pattern.h"

#include <utility>

#include "sonnet/core/errors.h"

namespace snt {
namespace {

// Within one component.
bool matches_name(std::string_view pattern, std::string_view name) {
  if (pattern.empty()) return name.empty();
  if (pattern[0] == '*') {
    return matches_name(pattern.substr(1), name) ||
           (!name.empty() && matches_name(pattern, name.substr(1)));
  }
  return !name.empty() && (pattern[0] == '?' || pattern[0] == name[0]) &&
         matches_name(pattern.substr(1), name.substr(1));
}

// The first component, and the rest behind the slash.
std::pair<std::string_view, std::string_view> split(std::string_view path) {
  const size_t slash = path.find('/');
  if (slash == path.npos) return {path, {}};
  return {path.substr(0, slash), path.substr(slash + 1)};
}

bool matches_path(std::string_view pattern, std::string_view path) {
  if (pattern.empty()) return path.empty();
  const auto [head, tail] = split(pattern);
  if (path.empty()) return head == "**" && matches_path(tail, path);
  const auto [name, rest] = split(path);
  if (head == "**") {
    return matches_path(tail, path) || matches_path(pattern, rest);
  }
  return matches_name(head, name) && matches_path(tail, rest);
}

}  // namespace

Pattern::Pattern(std::string text) : text_(std::move(text)) {
  check(!text_.empty(), "Pattern", "a pattern must not be empty");
}

bool Pattern::matches(std::string_view path) const {
  return matches_path(text_, path);
}

}  // namespace snt
