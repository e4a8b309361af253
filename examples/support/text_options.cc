#include "examples/support/text_options.h"

#include "examples/support/command_line.h"

namespace examples {

void add_text_options(CLI::App& app, TextOptions& options) {
  app.add_option("--text", options.files,
                 "Text files (the project's own sources)");
  app.add_option("--steps", options.steps, "Training steps")
      ->check(at_least(0));
  app.add_option("--batch", options.batch, "Places that are read at once")
      ->check(at_least(1));
  app.add_option("--length", options.length,
                 "Characters that a step reads at each place")
      ->check(at_least(1));
  app.add_option("--lr", options.rate, "Learning rate")->check(above(0));
  app.add_option("--temperature", options.temperature,
                 "Below 1 the sample is less daring, above 1 more")
      ->check(above(0));
  app.add_option("--seed", options.seed, "Seed of all random numbers");
  app.add_option("--output", options.output, "Where the model is saved");
}

}  // namespace examples
