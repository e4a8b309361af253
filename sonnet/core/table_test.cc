#include "sonnet/core/table.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "sonnet/core/clone.h"
#include "sonnet/core/deferred.h"
#include "sonnet/core/getter.h"
#include "sonnet/layers/embed.h"
#include "sonnet/layers/linear.h"
#include "sonnet/layers/sequential.h"
#include "sonnet/metrics/exponential_moving_average.h"
#include "sonnet/metrics/mean.h"
#include "sonnet/nets/mlp.h"
#include "sonnet/testing/message_of.h"

namespace snt::table_test {
namespace {

using at::Tensor;

// A variable of a name, as a walk would have left it.
Variable named(const std::string& name, at::IntArrayRef shape,
               at::ScalarType dtype = at::kFloat, bool trainable = true) {
  const Variable variable(at::zeros(shape, dtype), trainable);
  variable.set_path(name, name);
  return variable;
}

template <class... M>
std::vector<Variable> variables_of(const M&... modules) {
  std::vector<Variable> result;
  const auto append = [&](const std::vector<Variable>& more) {
    result.insert(result.end(), more.begin(), more.end());
  };
  (append(variables(modules)), ...);
  return result;
}

TEST(FormatVariables, OfNoneIsTheHeader) {
  EXPECT_EQ(format_variables({}),
            "| Variable   | Spec   | Trainable   | Device   |\n"
            "|------------+--------+-------------+----------|");
  EXPECT_EQ(format_variables({}, "github"),
            "| Variable   | Spec   | Trainable   | Device   |\n"
            "|------------|--------|-------------|----------|");
}

// Row U-01 of Sonnet's own tests (sonnet/src/utils_test.py).
TEST(FormatVariables, PrintsSonnetsTable) {
  EXPECT_EQ(format_variables(
                {named("m2/v2", {5}, at::kInt, false), named("m1/v1", {3, 4})}),
            "| Variable   | Spec     | Trainable   | Device   |\n"
            "|------------+----------+-------------+----------|\n"
            "| m1/v1      | f32[3,4] | True        | CPU      |\n"
            "| m2/v2      | i32[5]   | False       | CPU      |");
}

// goldens/texts/format_variables_linear_mlp.json.
TEST(FormatVariables, OfLinearAndMLP) {
  const Linear linear{10};
  const nets::MLP mlp{.output_sizes = {4, 3}};
  linear(at::ones({2, 5}));
  mlp(at::ones({2, 6}));
  const std::string expected =
      "| Variable       | Spec      | Trainable   | Device   |\n"
      "|----------------+-----------+-------------+----------|\n"
      "| linear/w       | f32[5,10] | True        | CPU      |\n"
      "| linear/b       | f32[10]   | True        | CPU      |\n"
      "| mlp/linear_0/w | f32[6,4]  | True        | CPU      |\n"
      "| mlp/linear_0/b | f32[4]    | True        | CPU      |\n"
      "| mlp/linear_1/w | f32[4,3]  | True        | CPU      |\n"
      "| mlp/linear_1/b | f32[3]    | True        | CPU      |";
  EXPECT_EQ(format_variables(variables_of(linear, mlp)), expected);
  EXPECT_EQ(format_variables(variables_of(mlp, linear)), expected);
  std::ostringstream log;
  log_variables(variables_of(linear, mlp), log);
  EXPECT_EQ(log.str(), expected + "\n");
}

// goldens/texts/format_variables_metrics.json.
TEST(FormatVariables, OfMetricsAndEmbed) {
  const Mean mean;
  const ExponentialMovingAverage average{0.9};
  const Embed embed{.vocab_size = 4, .embed_dim = 2, .dtype = at::kHalf};
  mean(at::ones({2, 3}));
  average(at::ones({}));
  embed(at::zeros({1}, at::kLong));
  EXPECT_EQ(
      format_variables(variables_of(mean, average, embed)),
      "| Variable                           | Spec     | Trainable   | Device  "
      " |\n"
      "|------------------------------------+----------+-------------+---------"
      "-|\n"
      "| embed/embeddings                   | f16[4,2] | True        | CPU     "
      " |\n"
      "| exponential_moving_average/average | f32[]    | False       | CPU     "
      " |\n"
      "| exponential_moving_average/counter | i64[]    | False       | CPU     "
      " |\n"
      "| exponential_moving_average/hidden  | f32[]    | False       | CPU     "
      " |\n"
      "| mean/sum                           | f32[2,3] | False       | CPU     "
      " |\n"
      "| mean/count                         | i64[]    | False       | CPU     "
      " |");
}

// The order of goldens/texts/format_variables_batch_norm.json: outer scopes
// first, then falling rank, then names.
TEST(FormatVariables, SortsByScopeRankAndName) {
  const std::string text = format_variables(
      {named("norm/mean/counter", {}), named("norm/mean/hidden", {1, 5}),
       named("norm/mean/average", {1, 5}), named("norm/scale", {5}),
       named("norm/offset", {5}), named("alone", {1}), named("z/w", {2, 2}),
       named("z/a", {2})});
  std::vector<std::string> order;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    order.push_back(line.substr(2, line.find(' ', 2) - 2));
  }
  order.erase(order.begin(), order.begin() + 2);
  EXPECT_EQ(order,
            (std::vector<std::string>{"alone", "norm/offset", "norm/scale",
                                      "norm/mean/average", "norm/mean/hidden",
                                      "norm/mean/counter", "z/w", "z/a"}));
}

TEST(FormatVariables, AbbreviatesDtypes) {
  std::vector<Variable> all;
  std::string expected;
  const std::vector<std::pair<at::ScalarType, std::string>> dtypes = {
      {at::kHalf, "f16"},         {at::kFloat, "f32"},
      {at::kDouble, "f64"},       {at::kBFloat16, "bf16"},
      {at::kComplexFloat, "c64"}, {at::kComplexDouble, "c128"},
      {at::kByte, "u8"},          {at::kChar, "i8"},
      {at::kShort, "i16"},        {at::kInt, "i32"},
      {at::kLong, "i64"},         {at::kBool, "bool"}};
  for (const auto& [dtype, name] : dtypes) {
    const std::string text = format_variables({named("v", {2}, dtype)});
    EXPECT_NE(text.find("| " + name + "[2] "), text.npos) << text;
  }
}

TEST(FormatVariables, ShowsWhatWasDeclaredAndRefusesTheRest) {
  const Variable frozen = named("v", {2});
  frozen.freeze();
  EXPECT_NE(format_variables({frozen}).find("| True "), std::string::npos);
  EXPECT_NE(format_variables({Variable(at::ones({}))}).find("| Variable   |"),
            std::string::npos);
  EXPECT_THROW(format_variables({Variable()}), NotBuiltError);
  EXPECT_EQ(message_of([] { format_variables({}, "html"); }),
            "[format_variables] table_format must be one of orgtbl, github, "
            "pipe, psql, grid, presto, rst, simple, plain, got html");
}

// Sonnet says linear/w, as the layer is made outside.
TEST(FormatVariables, NamesLayersBelowTheirModule) {
  const Sequential net{{Linear{3}}};
  net(at::ones({1, 2}));
  EXPECT_NE(format_variables(variables(net)).find("| sequential/layers/0/w |"),
            std::string::npos);
}

// The Python package `tabulate` gives these.
TEST(FormatVariables, InOtherFormats) {
  const std::vector<Variable> two = {named("a/b", {3}), named("a/w", {2, 3})};
  EXPECT_EQ(format_variables(two, "plain"),
            "Variable    Spec      Trainable    Device\n"
            "a/w         f32[2,3]  True         CPU\n"
            "a/b         f32[3]    True         CPU");
  EXPECT_EQ(format_variables(two, "rst"),
            "==========  ========  ===========  ========\n"
            "Variable    Spec      Trainable    Device\n"
            "==========  ========  ===========  ========\n"
            "a/w         f32[2,3]  True         CPU\n"
            "a/b         f32[3]    True         CPU\n"
            "==========  ========  ===========  ========");
  EXPECT_EQ(format_variables(two, "grid"),
            "+------------+----------+-------------+----------+\n"
            "| Variable   | Spec     | Trainable   | Device   |\n"
            "+============+==========+=============+==========+\n"
            "| a/w        | f32[2,3] | True        | CPU      |\n"
            "+------------+----------+-------------+----------+\n"
            "| a/b        | f32[3]   | True        | CPU      |\n"
            "+------------+----------+-------------+----------+");
  EXPECT_EQ(format_variables(two, "pipe"),
            "| Variable   | Spec     | Trainable   | Device   |\n"
            "|:-----------|:---------|:------------|:---------|\n"
            "| a/w        | f32[2,3] | True        | CPU      |\n"
            "| a/b        | f32[3]   | True        | CPU      |");
  EXPECT_EQ(format_variables({}, "psql"),
            "+------------+--------+-------------+----------+\n"
            "| Variable   | Spec   | Trainable   | Device   |\n"
            "|------------+--------+-------------+----------|\n"
            "+------------+--------+-------------+----------+");
  EXPECT_EQ(format_variables({}, "presto"),
            " Variable   | Spec   | Trainable   | Device\n"
            "------------+--------+-------------+----------");
}

TEST(Describe, WithoutVariables) {
  struct Empty {};
  EXPECT_EQ(describe(Empty()),
            "Path  Shape  Dtype  Trainable  Device  Size\n"
            "Total: 0 values, 0 of them trainable, 0 bytes\n");
}

TEST(Describe, IsAnAlignedTable) {
  struct Net {
    Linear encoder{.output_size = 1200, .name = "other"};
    Linear decoder{.output_size = 3, .with_bias = false};
    Linear tied = decoder;
    Variable steps = Variable::counter();
    Linear late{5};
    Linear later = late;
    Tensor operator()(const Tensor& x) const { return decoder(encoder(x)); }
  };
  const Net net;
  net(at::ones({2, 4}));
  net.encoder.b.freeze();
  EXPECT_EQ(
      describe(net),
      "Path       Shape      Dtype    Trainable  Device   Size\n"
      "encoder/w  [4, 1200]  float32  True       CPU     4,800\n"
      "encoder/b  [1200]     float32  False      CPU     1,200\n"
      "decoder/w  [1200, 3]  float32  True       CPU     3,600\n"
      "tied/w     [1200, 3]  float32  True       CPU     3,600  shared with "
      "decoder/w\n"
      "steps      []         int64    False      CPU         1\n"
      "late/w                         True                      not built\n"
      "late/b                         True                      not built\n"
      "later/w                        True                      shared with "
      "late/w\n"
      "later/b                        True                      shared with "
      "late/b\n"
      "Total: 9,601 values, 8,400 of them trainable, 38.4 kB\n");
}

TEST(Describe, CountsBytes) {
  const auto total = [](int64_t size, at::ScalarType dtype) {
    const std::string text = describe(Variable(at::zeros({size}, dtype)));
    return text.substr(text.find("trainable, ") + 11);
  };
  EXPECT_EQ(total(3, at::kHalf), "6 bytes\n");
  EXPECT_EQ(total(999, at::kByte), "999 bytes\n");
  EXPECT_EQ(total(250, at::kFloat), "1.0 kB\n");
  EXPECT_EQ(total(1'234'567, at::kByte), "1.2 MB\n");
}

TEST(Describe, ChecksOptionsAndReadsPlainly) {
  EXPECT_EQ(message_of([] {
              describe(Linear{
                  .output_size = 3,
                  .with_bias = false,
                  .b_init = [](at::IntArrayRef shape, at::ScalarType dtype) {
                    return at::ones(shape, dtype);
                  }});
            }),
            "[Linear] When not using a bias the b_init must be None.");
  const Sequential net{{Deferred{[] { return Linear{3}; }}}};
  EXPECT_EQ(describe(net),
            "Path  Shape  Dtype  Trainable  Device  Size\n"
            "Total: 0 values, 0 of them trainable, 0 bytes\n");
  net(at::ones({2, 4}));
  const std::string before = describe(net);
  EXPECT_NE(before.find("\nlayers/0/target/w  [4, 3]"), before.npos) << before;
  EXPECT_EQ(describe(clone(net)), before);
  const custom_variable_getter cast(
      [](const Tensor& value) { return value.to(at::kDouble); });
  EXPECT_EQ(describe(net), before);
  EXPECT_EQ(format_variables(variables(net)).find("f64"), std::string::npos);
}

}  // namespace
}  // namespace snt::table_test
