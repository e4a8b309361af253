// File: goldens/run_on_ones.h
// Calls that only create variables.

#pragma once

#include "sonnet/conformance/subject.h"
#include "sonnet/goldens/case.h"

namespace snt::goldens {

// Calls a module on ones of `shape`, with the initial state if it has one.
void call_on_ones(const conformance::Subject& subject, const Json& shape,
                  const Json& kwargs);

// Makes the variables that Sonnet makes in the constructor, if there are any.
void create_without_input(const conformance::Subject& subject);

}  // namespace snt::goldens
