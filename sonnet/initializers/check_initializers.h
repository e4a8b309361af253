// File: initializers/check_initializers.h
// Initializers by the name of a variable, checked.

#pragma once

#include <map>
#include <string>
#include <vector>

#include "sonnet/core/initializer.h"

namespace snt::initializers {

// Returns `initializers` if each of its keys is one of `expected_keys`.
//
//     auto initializers = snt::initializers::check_initializers(
//         {{"w", snt::initializers::Ones{}}}, {"w", "b"});
//
// Throws KeyError for other keys, listing them and those there are.
std::map<std::string, Initializer> check_initializers(
    const std::map<std::string, Initializer>& initializers,
    const std::vector<std::string>& expected_keys);

}  // namespace snt::initializers
