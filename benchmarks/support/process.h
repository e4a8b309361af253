// File: support/process.h
// What one process needs from its start to its first step.

#pragma once

#include "benchmarks/support/row.h"

namespace benchmarks {

// Builds the workload of a row and makes a step: {{"ms", time of both}}.
Numbers run_once(const Row& row);

}  // namespace benchmarks
