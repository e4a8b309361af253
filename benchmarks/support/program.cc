#include "benchmarks/support/program.h"

#include <torch/version.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <exception>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>

#include "benchmarks/support/process.h"

namespace benchmarks {
namespace {

using Json = nlohmann::ordered_json;

// Prints the line of a row: what `fill` adds to it, or why it could not.
template <class Fill>
bool print_line(const std::string& row, const std::string& peer,
                const Fill& fill) {
  Json line = {{"row", row}, {"peer", peer}};
  bool good = true;
  try {
    fill(line);
  } catch (const std::exception& error) {
    // The first line only: libtorch adds a stack.
    std::string what = error.what();
    what = what.substr(0, what.find('\n')).substr(0, 200);
    line = {{"row", row}, {"peer", peer}, {"error", what}};
    good = false;
  }
  std::cout << line.dump(-1, ' ', false, Json::error_handler_t::replace)
            << std::endl;
  return good;
}

void add_numbers(Json& line, const Numbers& numbers) {
  for (const auto& [name, value] : numbers) line[name] = value;
}

void add_cost(Json& line, const Cost& cost) {
  if (cost.flop > 0) line["flop"] = cost.flop;
  if (cost.byte > 0) line["byte"] = cost.byte;
}

void measure(const Row& row, const std::string& peer, const Timing& timing) {
  print_line(row.name, peer, [&](Json& line) {
    const Work work = row.make();
    warm_up(work);
    add_numbers(line, row.measure(work, timing));
    add_cost(line, work.cost);
  });
}

void serve(const Row& row, const std::string& peer, const Timing& timing) {
  std::optional<Work> work;
  if (!print_line(row.name, peer, [&](Json& line) {
        work = row.make();
        warm_up(*work);
        line["ready"] = true;
        line["libtorch"] = TORCH_VERSION;
      })) {
    return;
  }
  for (std::string request; std::getline(std::cin, request);) {
    print_line(row.name, peer, [&](Json& line) {
      add_numbers(line, row.measure(*work, timing));
      add_cost(line, work->cost);
    });
  }
}

}  // namespace

int run_program(int argc, char** argv, const std::string& peer,
                const std::function<void()>& prepare,
                const std::vector<Row>& rows) {
  std::vector<std::string> names;
  Timing timing;
  std::string once;
  bool list = false, serving = false;
  CLI::App app("Measures rows; prints one JSON line for each.");
  app.add_option("--row", names, "Only this row; may be given again");
  app.add_option("--seconds", timing.seconds, "Time of one measure");
  app.add_option("--repeats", timing.repeats, "Least number of steps in it");
  app.add_flag("--list", list, "Print the names of the rows");
  app.add_flag("--serve", serving, "Measure once for every line of input");
  app.add_option("--once", once, "Build this row, make a step, print the time");
  CLI11_PARSE(app, argc, argv);

  if (list) {
    for (const Row& row : rows) std::cout << row.name << "\n";
    return 0;
  }
  if (!once.empty()) names = {once};
  for (const std::string& name : names) {
    if (std::none_of(rows.begin(), rows.end(),
                     [&](const Row& row) { return row.name == name; })) {
      print_line(name, peer, [](Json& line) { line["error"] = "no such row"; });
    }
  }
  prepare();
  for (const Row& row : rows) {
    if (!names.empty() &&
        std::find(names.begin(), names.end(), row.name) == names.end()) {
      continue;
    }
    if (!once.empty()) {
      print_line(row.name, peer,
                 [&](Json& line) { add_numbers(line, run_once(row)); });
    } else if (serving) {
      serve(row, peer, timing);
    } else {
      measure(row, peer, timing);
    }
  }
  return 0;
}

}  // namespace benchmarks
