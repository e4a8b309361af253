// File: examples/support/command_line.h
// How the example programs are started, and how they fail.

#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace examples {

// Checks that an option is a number of at least (or above) a bound.
CLI::Validator at_least(double bound);
CLI::Validator above(double bound);

// Parses the command line and runs `main`. What a user did wrong becomes one
// line on standard error and exit code 2.
int guarded(CLI::App& app, int argc, char** argv,
            const std::function<void()>& main);

}  // namespace examples
