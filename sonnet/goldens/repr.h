// File: goldens/repr.h
// Sonnet's reprs and texts against this library's, which print C++ values.

#pragma once

#include <string>

namespace snt::goldens {

// Whether the repr of a module is Sonnet's. With `exact` they are equal, but
// for tuples and TensorShapes, which are lists here: "(3, 4)" is "[3, 4]", and
// for whole numbers given to an option that is a float: "1" may be "1.0".
// Otherwise Sonnet's shows Python objects, which are compared as far as they
// say something: `<function relu at 0x0>` is `relu`,
// `<sonnet.src.initializers.Constant object at 0x0>` any `Constant(...)`, and
// any other `<...>` anything. Lines may then be broken elsewhere.
bool repr_matches(const std::string& got, const std::string& want, bool exact);

// Whether this library's message of an error says what Sonnet's says: Sonnet's
// words stand in it. Both are read alike: shapes are lists, dtypes are without
// "tf.". "Shape (4,) must have rank >= 2" is "must have rank >= 2, got shape
// [4]" here, and Python objects `<...>` match anything.
bool message_matches(const std::string& got, const std::string& want);

}  // namespace snt::goldens
