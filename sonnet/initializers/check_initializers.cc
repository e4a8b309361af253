#include "sonnet/initializers/check_initializers.h"

#include <algorithm>

#include "sonnet/core/errors.h"

namespace snt::initializers {
namespace {

// 'w', 'b'
std::string quoted(const std::vector<std::string>& keys) {
  std::string text;
  for (const std::string& key : keys) {
    text += (text.empty() ? "'" : ", '") + key + "'";
  }
  return text;
}

}  // namespace

std::map<std::string, Initializer> check_initializers(
    const std::map<std::string, Initializer>& initializers,
    const std::vector<std::string>& expected_keys) {
  std::vector<std::string> extra_keys;
  for (const auto& [key, initializer] : initializers) {
    if (std::find(expected_keys.begin(), expected_keys.end(), key) ==
        expected_keys.end()) {
      extra_keys.push_back(key);
    }
  }
  snt::check<KeyError>(extra_keys.empty(), "check_initializers",
                       "Invalid initializer keys ", quoted(extra_keys),
                       ", initializers can only be provided for ",
                       quoted(expected_keys));
  return initializers;
}

}  // namespace snt::initializers
