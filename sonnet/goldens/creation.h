// File: goldens/creation.h
// When the variables of a case come to be, and with which values.

#pragma once

#include <map>
#include <string>

#include "sonnet/conformance/subject.h"
#include "sonnet/goldens/case.h"
#include "sonnet/goldens/outcome.h"

namespace snt::goldens {

// The variables of a module by path; a shared one at each of its paths.
std::map<std::string, Variable> built_variables(
    const conformance::Subject& subject);

// The module under test, without a call (but for the one that `derived` asks
// for).
conformance::Subject build_subject(const Case& golden);

// A module whose variables all exist.
struct Creation {
  conformance::Subject subject;
  std::map<std::string, int> made_by;  // Number of the call; -1: before calls.
  Tensors initial;                     // What creation gave, by path.
};

// Builds the module and makes the calls that it takes until all variables of
// the case exist.
Creation create(const Case& golden, uint64_t seed);

// Checks what a case says of creation: which variables there are, who makes
// them, shapes, dtypes, which are trained, and the values that are not random.
// (Python can make variables in a constructor; a plain struct makes those in
// its first call.)
void check_creation(const Case& golden, const Creation& creation,
                    const Creation& other_seed, Outcome& outcome);

}  // namespace snt::goldens
