#include "sonnet/layers/pad.h"

#include <cctype>

#include "sonnet/core/errors.h"
#include "sonnet/layers/shapes.h"

namespace snt {
namespace {

using Zeros = std::array<int64_t, 2>;

struct Named {
  const char* name;       // As printed.
  const char* json_name;  // "SAME" and "VALID" are no functions there.
  Zeros (*function)(int64_t);
};

constexpr Named kNamed[] = {
    {"valid", "PAD_VALID", pad::valid},
    {"same", "PAD_SAME", pad::same},
    {"full", "FULL", pad::full},
    {"causal", "CAUSAL", pad::causal},
    {"reverse_causal", "REVERSE_CAUSAL", pad::reverse_causal},
};

const Named* find_named(const Config& config) {
  const auto* name = config.get_if<std::string>();
  for (const Named& known : kNamed) {
    if (name != nullptr && *name == known.json_name) return &known;
  }
  return nullptr;
}

}  // namespace

Zeros pad::valid(int64_t) { return {0, 0}; }
Zeros pad::same(int64_t kernel) { return {(kernel - 1) / 2, kernel / 2}; }
Zeros pad::full(int64_t kernel) { return {kernel - 1, kernel - 1}; }
Zeros pad::causal(int64_t kernel) { return {kernel - 1, 0}; }
Zeros pad::reverse_causal(int64_t kernel) { return {0, kernel - 1}; }

std::vector<Zeros> pad::create(const OneOrList<Function>& padding,
                               const IntOrList& kernel, const IntOrList& rate,
                               int64_t n, int64_t channel_index) {
  const auto functions = utils::replicate(padding, n, "padding", "pad.create");
  const auto kernels = utils::replicate(kernel, n, "kernel", "pad.create");
  const auto rates = utils::replicate(rate, n, "rate", "pad.create");
  std::vector<Zeros> zeros(n + 2, Zeros{0, 0});
  const int64_t first = channel_index == 1 ? 2 : 1;
  for (int64_t i = 0; i < n; ++i) {
    zeros[first + i] = functions[i]((kernels[i] - 1) * rates[i] + 1);
  }
  return zeros;
}

std::string Padding::conv_padding() const {
  const auto* name = std::get_if<std::string>(&held_);
  std::string capitals = name != nullptr ? *name : "VALID";
  for (char& c : capitals) c = static_cast<char>(std::toupper(c));
  return capitals;
}

Config Padding::config() const {
  if (const auto* functions = padding_func()) return to_config(*functions);
  return {std::get<std::string>(held_)};
}

Config ConfigTraits<pad::Function>::to(const pad::Function& value) {
  if (const auto* function = value.get_if<Zeros (*)(int64_t)>()) {
    for (const Named& known : kNamed) {
      if (*function == known.function) {
        return {Config::Literal{known.name,
                                {Config{std::string(known.json_name)}}}};
      }
    }
  }
  return value.config();
}

pad::Function ConfigTraits<pad::Function>::from(const Config& config,
                                                const std::string& where) {
  const Named* known = find_named(config);
  if (known == nullptr) {
    detail::fail_config(config, where,
                        "CAUSAL, FULL, REVERSE_CAUSAL, PAD_SAME or PAD_VALID");
  }
  return known->function;
}

Padding ConfigTraits<Padding>::from(const Config& config,
                                    const std::string& where) {
  if (const auto* name = config.get_if<std::string>();
      name != nullptr && find_named(config) == nullptr) {
    return *name;
  }
  return from_config<OneOrList<pad::Function>>(config, where);
}

}  // namespace snt
