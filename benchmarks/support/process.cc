#include "benchmarks/support/process.h"

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
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

// The most memory that this process has had at a time. (getrusage would count
// that of the process that started it as well.)
double peak_mib() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    if (double kib = 0; word == "VmHWM:" && status >> kib) return kib / 1024;
  }
  throw std::runtime_error("no VmHWM in /proc/self/status");
}

// What another process of this program prints for --once, and the time until
// then.
nlohmann::json in_child(const std::string& row, int steps) {
  const std::string command =
      "exec '" + std::filesystem::read_symlink("/proc/self/exe").string() +
      "' --once " + row + " --steps " + std::to_string(steps);
  const auto start = Clock::now();
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(
      popen(command.c_str(), "r"), pclose);
  char line[1000] = "";
  if (!pipe || std::fgets(line, sizeof(line), pipe.get()) == nullptr) {
    throw std::runtime_error("no answer from " + command);
  }
  const double ms = ms_since(start);
  nlohmann::json result = nlohmann::json::parse(line);
  result["start_ms"] = ms;
  return result;
}

Row process_row(const std::string& name, const std::string& row, int steps,
                const std::string& key, const std::string& unit) {
  return {name, [] { return Work{[] {}}; },
          [=](const Work&, const Timing&) {
            const nlohmann::json result = in_child(row, steps);
            if (result.contains("error")) {
              throw std::runtime_error(result["error"].get<std::string>());
            }
            return Numbers{{unit, result[key].get<double>()}};
          }};
}

}  // namespace

Numbers run_once(const Row& row, int steps) {
  const auto start = Clock::now();
  const Work work = row.make();
  work.step();
  const double first = ms_since(start);
  for (int i = 1; i < steps; ++i) work.step();
  return {{"ms", first}, {"mib", peak_mib()}};
}

std::vector<Row> process_rows() {
  return {
      process_row("startup", "mlp_small_train", 1, "start_ms", "ms"),
      process_row("first_call", "mlp_small_train", 1, "ms", "ms"),
      process_row("memory_resnet50_train", "resnet50_train", 3, "mib", "mib"),
      process_row("memory_lstm_grad", "lstm_grad", 3, "mib", "mib"),
  };
}

}  // namespace benchmarks
