// File: support/process.h
// What one process needs from its start to its end.

#pragma once

#include "benchmarks/support/row.h"

namespace benchmarks {

// Builds the workload of a row and makes `steps` steps:
// {{"ms", time to build it and for the first step}, {"mib", peak memory}}.
Numbers run_once(const Row& row, int steps);

}  // namespace benchmarks
