// File: support/program.h
// The command line of a benchmark program.

#pragma once

#include <functional>
#include <string>
#include <vector>

#include "benchmarks/support/row.h"

namespace benchmarks {

// Measures the rows that the command line asks for and prints one JSON line for
// each on standard output:
//
//   {"row": "mlp_infer", "peer": "sonnet-cpp", "ms": 1.5, "flop": 4.7e8, ...}
//   {"row": "mlp_infer", "peer": "sonnet-cpp", "error": "..."}
//
// `peer` is who measures, `prepare` what the process does first. With --serve
// it builds the rows, prints {"row": ..., "peer": ..., "ready": true,
// "libtorch": its version}, and then measures once for every line that it
// reads. Gives the exit status.
int run_program(int argc, char** argv, const std::string& peer,
                const std::function<void()>& prepare,
                const std::vector<Row>& rows);

}  // namespace benchmarks
