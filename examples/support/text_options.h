// File: examples/support/text_options.h
// What the command line of a recurrent character model says.

#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <vector>

namespace examples {

// Its options, with their defaults.
struct TextOptions {
  std::vector<std::string> files = {};  // --text
  int64_t steps = 400;                  // --steps
  int64_t batch = 64;                   // --batch
  int64_t length = 64;                  // --length
  double rate = 8e-3;                   // --lr
  double temperature = 0.7;             // --temperature
  uint64_t seed = 1;                    // --seed
  std::string output = {};              // --output
};

// Adds the options to the command line.
void add_text_options(CLI::App& app, TextOptions& options);

}  // namespace examples
