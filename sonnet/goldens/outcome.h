// File: goldens/outcome.h
// What became of a case, and the comparison of tensors.

#pragma once

#include <ATen/core/Tensor.h>

#include <set>
#include <string>
#include <vector>

#include "sonnet/core/format.h"
#include "sonnet/goldens/case.h"

namespace snt::goldens {

// What became of one case. A case passes when nothing was found wrong and
// nothing that it needs is missing.
struct Outcome {
  std::vector<std::string> problems;  // What is wrong.
  std::set<std::string> missing;      // Classes and functions there are not.
  std::vector<std::string> notes;     // What a reader may want to know.
  std::string not_compared = {};      // What is recorded wrongly, and where.
  bool is_case = true;                // Else nothing to pass or fail.
  double largest_error = 0;           // Relative, of all tensors compared.
  double largest_share = 0;           // The same as a share of what is allowed.

  // Adds a problem.
  template <class... Parts>
  void fail(const Parts&... parts) {
    problems.push_back(format(parts...));
  }
  // Adds a problem unless `ok`.
  template <class... Parts>
  void expect(bool ok, const Parts&... parts) {
    if (!ok) fail(parts...);
  }
  // Adds a problem unless two plain values are equal.
  template <class T>
  void expect_equal(const std::string& what, const T& got, const T& want) {
    if (!(got == want)) {
      fail(what, ": ", got, " instead of ", want);
    }
  }

  bool passed() const { return problems.empty() && missing.empty(); }
};

// How far numbers may be off: |got - want| <= atol + rtol max|want|.
struct Tolerance {
  double rtol = 0;
  double atol = 0;
  std::set<std::string> numeric_zeros;  // Only atol is meant for them.

  Tolerance() = default;
  // That of a case.
  explicit Tolerance(const Json& json);
};

// Compares shape, dtype and values: floating ones within the tolerance,
// others exactly. Undefined tensors only equal each other.
void compare(const std::string& name, const at::Tensor& got,
             const at::Tensor& want, const Tolerance& tolerance,
             Outcome& outcome);

}  // namespace snt::goldens
