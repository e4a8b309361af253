// File: conformance/signature.h
// The parameters of a call as Sonnet's users write them, so that arguments can
// be given by name.

#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sonnet/core/nest.h"

namespace snt::conformance {

// Arguments given by name.
using Keywords = std::vector<std::pair<std::string, Nest>>;

// Names of parameters and their defaults, in the order of the C++ function.
//
//     // Signature("inputs, is_training, scale=None, eps=1e-5")
class Signature {
 public:
  // No parameters.
  Signature() = default;
  // Reads Python's notation with None, True, False, numbers and 'texts' as
  // defaults.
  Signature(std::string_view text);  // NOLINT: written as text.
  Signature(const char* text) : Signature(std::string_view(text)) {}  // NOLINT

  // The arguments by position. Without `fill`, parameters at the end that were
  // not given are left out, so that the defaults of the C++ function count.
  //
  // Throws TypeError for an unknown name, one given twice, and for a missing
  // argument without a default in front of a given one.
  std::vector<Nest> bind(std::span<const Nest> args, const Keywords& keywords,
                         bool fill, std::string_view who) const;

 private:
  struct Parameter {
    std::string name;
    std::optional<Nest> fallback;
  };
  std::vector<Parameter> parameters_;
};

}  // namespace snt::conformance
