// File: goldens/run.h
// Runs one case of each kind. What a case expects and does not get becomes a
// problem of its outcome; what the library throws unexpectedly is thrown on.

#pragma once

#include "sonnet/goldens/case.h"
#include "sonnet/goldens/outcome.h"

namespace snt::goldens {

// modules/, unrolls/, and those of functions/ that have calls.
void run_calls(const Case& golden, Outcome& outcome);
// functions/ without calls: facts about random numbers.
void run_facts(const Case& golden, Outcome& outcome);
// optimizers/
void run_optimizer(const Case& golden, Outcome& outcome);
// errors/
void run_error(const Case& golden, Outcome& outcome);
// texts/
void run_text(const Case& golden, Outcome& outcome);

}  // namespace snt::goldens
