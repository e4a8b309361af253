// File: testing/message_of.h
// The text of the error that a piece of code must throw.

#pragma once

#include <string>

#include "sonnet/core/errors.h"

namespace snt {

// What the `Error` that f throws says, or a text that no test expects when
// nothing is thrown. Errors of other types pass through and fail the test.
//
//     // EXPECT_EQ(message_of([] { linear(at::ones({4})); }), "[Linear] x
//     ...");
template <class Error = ValueError, class F>
std::string message_of(F&& f) {
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  }
  return "nothing was thrown";
}

}  // namespace snt
