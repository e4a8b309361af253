// File: core/errors.h
// The errors this library throws, one for each that Sonnet raises, and the one
// function that throws them.

#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "sonnet/core/format.h"

namespace snt {

// A value that is not allowed (Sonnet's ValueError).
struct ValueError : std::invalid_argument {
  using std::invalid_argument::invalid_argument;
};

// A value of a type or dtype that is not allowed (Sonnet's TypeError).
struct TypeError : std::invalid_argument {
  using std::invalid_argument::invalid_argument;
};

// A name or path that does not exist (Sonnet's KeyError).
struct KeyError : std::out_of_range {
  using std::out_of_range::out_of_range;
};

// Something that exists only after the first call (Sonnet's AttributeError).
struct NotBuiltError : std::logic_error {
  using std::logic_error::logic_error;
};

// Something that this library does not do (Sonnet's NotImplementedError).
struct NotImplementedError : std::logic_error {
  using std::logic_error::logic_error;
};

// Throws `Error` with the message "[who] parts..." unless `ok`. `who` is the
// type that complains, followed by its path where that is known (see `Who` in
// variable.h). The parts are joined without spaces; tensors' shapes, lists and
// booleans are written as in Python. Nothing is formatted while `ok` holds.
//
//     at::Tensor x = at::ones({2, 3});
//     snt::check(x.dim() >= 2, "Linear", "x must have rank >= 2, got shape ",
//                x.sizes());
//
// Throws `Error`, ValueError unless another is given.
template <class Error = ValueError, class Subject, class... Parts>
void check(bool ok, const Subject& who, const Parts&... parts) {
  if (!ok) [[unlikely]] {
    throw Error("[" + format(who) + "] " + format(parts...));
  }
}

}  // namespace snt
