// File: goldens/runner.h
// Runs all cases of a folder and reports.

#pragma once

#include <filesystem>
#include <iosfwd>
#include <map>
#include <string>

#include "sonnet/goldens/case.h"
#include "sonnet/goldens/outcome.h"

namespace snt::goldens {

// How cases are run.
struct RunOptions {
  bool verbose = false;  // Names all cases and prints notes.
  // A glob over FOLDER/NAME or NAME; empty: all.
  std::string filter = {};
};

// How many cases ended how.
struct Counts {
  int passed = 0;
  int failed = 0;
  int missing = 0;
  double largest_error = 0;  // Relative, of all tensors compared.
  double largest_share = 0;  // The same as a share of what is allowed.
};

// The counts of a run, also by class.
struct Summary {
  Counts all;
  std::map<std::string, Counts> by_label;
  std::map<std::string, int> missing;  // Cases that need each missing name.
  std::map<std::string, int> not_compared;  // Cases of each wrong recording.
  int no_cases = 0;                         // Files that are no cases.

  // 0, or 1 when something failed, or is missing and must not be.
  int exit_status(bool require_all) const;
};

// Runs one case; whatever goes wrong is in the outcome.
Outcome run_case(const std::filesystem::path& json_file);

// Runs the cases under `root` and prints failures, a table by class and, as the
// last line, `N passed, M failed, K missing`.
//
// Throws ValueError when there are no cases.
Summary run_goldens(const std::filesystem::path& root,
                    const RunOptions& options, std::ostream& out);

}  // namespace snt::goldens
