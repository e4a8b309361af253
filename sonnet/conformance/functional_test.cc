// What holds for every class in pure functions and in mixed precision: over
// each row of the class table that has an example.

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "sonnet/conformance/class_table.h"
#include "sonnet/core/random.h"
#include "sonnet/core/tree.h"
#include "sonnet/functional/transform.h"
#include "sonnet/mixed_precision/mixed_precision.h"

namespace snt::conformance::functional_test {
namespace {

std::vector<std::string> callable_rows() {
  std::vector<std::string> names;
  for (const auto& [name, row] : class_table().classes()) {
    if (row.example_args != nullptr) names.push_back(name);
  }
  return names;
}

class PureConformance : public testing::TestWithParam<std::string> {
 protected:
  const ClassRow& row() const { return *class_table().find_class(GetParam()); }
  Subject make() const {
    return row().make(parse_json(row().example_config), {});
  }
  std::vector<Nest> args() const {
    at::manual_seed(7);
    return row().example_args(at::kFloat);
  }
};

std::vector<Variable> built(const Subject& subject) {
  std::vector<Variable> result;
  for (const auto& found : subject.find_variables()) {
    if (found.variable.is_built()) result.push_back(found.variable);
  }
  return result;
}

void expect_equal(const Nest& got, const Nest& want) {
  const auto a = tree::flatten(got), b = tree::flatten(want);
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) EXPECT_TRUE(at::equal(a[i], b[i]));
}

// apply(init(x), x) is what the module itself gives, with the same state after
// it; and neither changes a variable.
TEST_P(PureConformance, TransformedItGivesTheSame) {
  const std::vector<Nest> inputs = args();
  seed(11);
  const Subject eager = make();
  const Nest want = eager.call(inputs);

  seed(11);
  const Subject lifted = make();
  const std::vector<Variable> existing = built(lifted);
  const auto f = functional::transform_with_state(
      [&](const std::vector<Nest>& in) { return lifted.call(in); });
  const auto [params, state] = f.init(inputs);
  const auto expect_no_values = [&] {
    for (const Variable& variable : built(lifted)) {
      const bool existed = std::find(existing.begin(), existing.end(),
                                     variable) != existing.end();
      EXPECT_EQ(variable.has_value(), existed) << variable.path();
    }
  };
  expect_no_values();
  const bool is_random = row().name.starts_with("initializers.") ||
                         row().name.find("ropout") != std::string::npos;
  const auto [got, after] = f.apply(params, state, inputs);
  expect_no_values();
  if (is_random) return;
  expect_equal(got, want);
  const auto again = f.apply(params, state, inputs);
  expect_equal(again.output, want);

  params.store();
  after.store();
  const auto mine = lifted.find_variables(), theirs = eager.find_variables();
  ASSERT_EQ(mine.size(), theirs.size());
  for (size_t i = 0; i < mine.size(); ++i) {
    ASSERT_EQ(mine[i].variable.is_built(), theirs[i].variable.is_built());
    if (!mine[i].variable.is_built()) continue;
    EXPECT_TRUE(at::equal(mine[i].variable.value(), theirs[i].variable.value()))
        << mine[i].path;
  }
}

TEST_P(PureConformance, InBFloat16ItIsNearAndVariablesAreNot) {
  // Vector quantizers take inputs of their own dtype only, and jump.
  const bool jumps = row().name.find("VectorQuantizer") != std::string::npos;
  if (jumps || !row().example_takes_half) return;
  const std::vector<Nest> inputs = args();
  seed(11);
  const Subject exact = make();
  exact.call(inputs);
  const Nest want = exact.call(inputs);
  seed(11);
  const Subject subject = make();
  const auto f = mixed_precision::modes(
      {at::kBFloat16},
      [&](const std::vector<Nest>& in) { return subject.call(in); });
  const mixed_precision::scope bfloat16(at::kBFloat16);
  f(inputs);
  std::vector<at::ScalarType> before;
  for (const Variable& v : built(subject)) before.push_back(v.dtype());
  const Nest got = f(inputs);
  std::vector<at::ScalarType> after;
  for (const Variable& v : built(subject)) after.push_back(v.dtype());
  EXPECT_EQ(before, after);
  const bool is_random = row().name.find("ropout") != std::string::npos ||
                         row().name.starts_with("initializers.");
  const auto a = tree::flatten(got), b = tree::flatten(want);
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size() && !is_random; ++i) {
    EXPECT_EQ(a[i].scalar_type(), b[i].scalar_type());
    const double size = b[i].numel() > 0
                            ? std::max(1.0, b[i].abs().max().item().toDouble())
                            : 1.0;
    EXPECT_TRUE(at::allclose(a[i].to(at::kDouble), b[i].to(at::kDouble), 0,
                             0.06 * size))
        << a[i] << "\n"
        << b[i];
  }
}

INSTANTIATE_TEST_SUITE_P(Classes, PureConformance,
                         testing::ValuesIn(callable_rows()),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::replace(name.begin(), name.end(), '.', '_');
                           return name;
                         });

}  // namespace
}  // namespace snt::conformance::functional_test
