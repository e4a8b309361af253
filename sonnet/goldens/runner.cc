#include "sonnet/goldens/runner.h"

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <ostream>
#include <sstream>

#include "sonnet/core/errors.h"
#include "sonnet/core/pattern.h"
#include "sonnet/goldens/run.h"

namespace snt::goldens {
namespace {

void run(const Case& golden, Outcome& outcome) {
  outcome.missing = missing_names(golden.json);
  if (!outcome.missing.empty()) return;
  if (golden.folder == "errors") {
    run_error(golden, outcome);
  } else if (golden.folder == "texts") {
    run_text(golden, outcome);
  } else if (golden.folder == "optimizers") {
    run_optimizer(golden, outcome);
  } else if (golden.json.contains("calls")) {
    run_calls(golden, outcome);
  } else {
    run_facts(golden, outcome);
  }
}

// Runs a case that could be read.
Outcome run_safely(const Case& golden) {
  Outcome outcome;
  for (const std::string& name : unused_tensors(golden)) {
    outcome.fail("the case does not mention its tensor ", name);
  }
  try {
    run(golden, outcome);
  } catch (const std::exception& error) {
    outcome.fail("threw ", std::string(error.what()));
  }
  return outcome;
}

bool chosen(const std::filesystem::path& file, const std::string& filter) {
  if (filter.empty()) return true;
  const Pattern pattern(filter);
  const std::string name = file.stem().string();
  return pattern.matches(name) ||
         pattern.matches(file.parent_path().filename().string() + "/" + name);
}

void count(const Outcome& outcome, Counts& counts) {
  if (outcome.passed()) {
    ++counts.passed;
  } else if (outcome.problems.empty()) {
    ++counts.missing;
  } else {
    ++counts.failed;
  }
  counts.largest_error = std::max(counts.largest_error, outcome.largest_error);
  counts.largest_share = std::max(counts.largest_share, outcome.largest_share);
}

// The first lines of a long text.
std::string shortened(const std::string& text) {
  constexpr size_t kLongest = 1200;
  std::string result(text, 0, kLongest);
  if (text.size() > kLongest) result += " ...";
  return result;
}

void print_case(const std::string& name, const Outcome& outcome, bool verbose,
                std::ostream& out) {
  constexpr size_t kMost = 5;
  if (!outcome.problems.empty()) {
    out << "FAILED " << name << "\n";
    const size_t shown = verbose ? outcome.problems.size()
                                 : std::min(kMost, outcome.problems.size());
    for (size_t i = 0; i < shown; ++i) {
      out << "    " << shortened(outcome.problems[i]) << "\n";
    }
    if (shown < outcome.problems.size()) {
      out << "    and " << outcome.problems.size() - shown << " more\n";
    }
  } else if (verbose) {
    out << (!outcome.is_case          ? "no case "
            : outcome.missing.empty() ? "passed "
                                      : "missing ")
        << name;
    for (const std::string& missing : outcome.missing) out << " " << missing;
    out << "\n";
  }
  if (verbose) {
    for (const std::string& note : outcome.notes) {
      out << "    note: " << shortened(note) << "\n";
    }
  }
}

// "1.6e-07", or "-" where nothing was off.
std::string error_text(double error) {
  if (error == 0) return "-";
  std::ostringstream text;
  text << std::setprecision(1) << std::scientific << error;
  return text.str();
}

template <class Number>
void print_row(std::ostream& out, const std::string& label, Number passed,
               Number failed, Number missing, const std::string& error,
               const std::string& share) {
  out << std::left << std::setw(42) << label << std::right << std::setw(7)
      << passed << std::setw(7) << failed << std::setw(8) << missing
      << std::setw(16) << error << std::setw(12) << share << "\n";
}

void print_summary(const Summary& summary, std::ostream& out) {
  print_row(out, "class, function or kind", "passed", "failed", "missing",
            "relative error", "of allowed");
  for (const auto& [label, counts] : summary.by_label) {
    std::ostringstream share;
    share << static_cast<int>(std::ceil(100 * counts.largest_share)) << "%";
    print_row(out, label, counts.passed, counts.failed, counts.missing,
              error_text(counts.largest_error), share.str());
  }
  for (const auto& [name, cases] : summary.missing) {
    out << "missing: " << name << ", needed by " << cases
        << (cases == 1 ? " case\n" : " cases\n");
  }
  for (const auto& [what, cases] : summary.not_compared) {
    out << "not compared: " << what << ", in " << cases
        << (cases == 1 ? " case\n" : " cases\n");
  }
  if (summary.no_cases > 0) {
    out << "not cases (lists of Python's names): " << summary.no_cases << "\n";
  }
  out << summary.all.passed << " passed, " << summary.all.failed << " failed, "
      << summary.all.missing << " missing\n";
}

}  // namespace

int Summary::exit_status(bool require_all) const {
  return all.failed > 0 || (require_all && all.missing > 0) ? 1 : 0;
}

Outcome run_case(const std::filesystem::path& json_file) {
  try {
    return run_safely(read_case(json_file));
  } catch (const std::exception& error) {
    Outcome outcome;
    outcome.fail("cannot be read: ", std::string(error.what()));
    return outcome;
  }
}

Summary run_goldens(const std::filesystem::path& root,
                    const RunOptions& options, std::ostream& out) {
  Summary summary;
  for (const std::filesystem::path& file : list_cases(root)) {
    if (!chosen(file, options.filter)) continue;
    const std::string folder = file.parent_path().filename().string();
    std::string label = folder;
    Outcome outcome;
    try {
      const Case golden = read_case(file);
      label = golden.label;
      outcome = run_safely(golden);
    } catch (const std::exception& error) {
      outcome.fail("cannot be read: ", std::string(error.what()));
    }
    print_case(folder + "/" + file.stem().string(), outcome, options.verbose,
               out);
    if (!outcome.is_case) {
      ++summary.no_cases;
      continue;
    }
    count(outcome, summary.all);
    count(outcome, summary.by_label[label]);
    for (const std::string& name : outcome.missing) ++summary.missing[name];
    if (!outcome.not_compared.empty()) {
      ++summary.not_compared[outcome.not_compared];
    }
  }
  print_summary(summary, out);
  return summary;
}

}  // namespace snt::goldens
