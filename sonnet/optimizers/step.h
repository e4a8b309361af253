// File: optimizers/step.h
// How often an optimizer was applied. Not public.

#pragma once

#include <cstdint>
#include <initializer_list>

#include "sonnet/core/hyperparameter.h"
#include "sonnet/core/variable.h"

namespace snt::optimizers::detail {

// A counter [] int64: at 0, and one that is made when it is needed.
Variable new_step();
Variable unused_step();

// The number of calls of `apply` so far. Makes the counter if there is a
// schedule.
int64_t read_step(const Variable& step,
                  std::initializer_list<Hyperparameter> hyperparameters);
// Counts one call more, if there is a counter.
void count_step(const Variable& step);

}  // namespace snt::optimizers::detail
