// Compares this library with recorded outputs of Sonnet 2.
//
//     run_goldens [DIR] [--require-all] [--plain] [--verbose] [--filter GLOB]

#include <CLI/CLI.hpp>
#include <exception>
#include <iostream>

#include "sonnet/core/initialize.h"
#include "sonnet/goldens/runner.h"

int main(int argc, char** argv) {
  std::string folder = SONNET_GOLDENS_DIR;
  bool require_all = false;
  bool plain = false;
  snt::goldens::RunOptions options;

  CLI::App app("Compares this library with recorded outputs of Sonnet 2.");
  app.add_option("DIR", folder, "folder of cases; default: the repository's");
  app.add_flag("--require-all", require_all, "a missing class is a failure");
  app.add_flag("--plain", plain, "without this library's own kernels");
  app.add_flag("--verbose", options.verbose, "name all cases, print notes");
  app.add_option("--filter", options.filter,
                 "only cases whose NAME or FOLDER/NAME matches this glob");
  CLI11_PARSE(app, argc, argv);

  snt::initialize({.onednn_matmul = !plain,
                   .recurrent_sequences = !plain,
                   .one_pass_updates = !plain,
                   .fast_layers = !plain,
                   .fast_norms = !plain,
                   .fast_convolutions = !plain,
                   .fast_quantizers = !plain,
                   .fast_losses = !plain,
                   .caching_allocator = !plain});
  try {
    return snt::goldens::run_goldens(folder, options, std::cout)
        .exit_status(require_all);
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 2;
  }
}
