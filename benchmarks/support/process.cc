#include "benchmarks/support/process.h"

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace benchmarks {
namespace {

using Clock = std::chrono::steady_clock;

double ms_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start)
      .count();
}

// Another process of this program that makes a step, and the time until then.
Numbers in_child(const std::string& row) {
  const std::string command =
      "exec '" + std::filesystem::read_symlink("/proc/self/exe").string() +
      "' --once " + row;
  const auto start = Clock::now();
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(
      popen(command.c_str(), "r"), pclose);
  char line[1000] = "";
  if (!pipe || std::fgets(line, sizeof(line), pipe.get()) == nullptr) {
    throw std::runtime_error("no answer from " + command);
  }
  const double ms = ms_since(start);
  const nlohmann::json result = nlohmann::json::parse(line);
  if (result.contains("error")) {
    throw std::runtime_error(result["error"].get<std::string>());
  }
  return {{"ms", ms}, {"first_call_ms", result["ms"].get<double>()}};
}

}  // namespace

Numbers run_once(const Row& row) {
  const auto start = Clock::now();
  const Work work = row.make();
  work.step();
  return {{"ms", ms_since(start)}};
}

Row startup_row() {
  return {
      "startup", [] { return Work{[] {}}; },
      [](const Work&, const Timing&) { return in_child("mlp_small_train"); }};
}

}  // namespace benchmarks
