#include "examples/support/command_line.h"

#include <c10/util/Exception.h>

#include <exception>
#include <iostream>
#include <string>

namespace examples {
namespace {

CLI::Validator bounded(double bound, bool strictly, const char* what) {
  return CLI::Validator(
      [=](std::string& text) -> std::string {
        double value = 0;
        if (CLI::detail::lexical_cast(text, value) &&
            (strictly ? value > bound : value >= bound)) {
          return "";
        }
        std::string limit = std::to_string(bound);
        limit.resize(limit.find('.'));
        return std::string("must be a number ") + what + " " + limit +
               ", got " + text;
      },
      "");
}

}  // namespace

CLI::Validator at_least(double bound) {
  return bounded(bound, /*strictly=*/false, "of at least");
}

CLI::Validator above(double bound) {
  return bounded(bound, /*strictly=*/true, "above");
}

int guarded(CLI::App& app, int argc, char** argv,
            const std::function<void()>& main) {
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& done) {  // --help
    return app.exit(done);
  } catch (const CLI::ParseError& error) {
    std::cerr << error.what() << "\n";
    return 2;
  }
  try {
    main();
  } catch (const c10::Error& error) {  // Its what() is a page.
    std::cerr << error.what_without_backtrace() << "\n";
    return 2;
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 2;
  }
  return 0;
}

}  // namespace examples
