#include "sonnet/layers/axis.h"

#include <gtest/gtest.h>

#include "sonnet/core/errors.h"
#include "sonnet/core/options.h"
#include "sonnet/testing/message_of.h"

namespace snt::axis_test {
namespace {

using Dims = std::vector<int64_t>;

struct AxisCase {
  Axis axis;
  Dims want;  // For rank 4.
  const char* repr;
  const char* json;
};

// What Python's range(4)[slice(...)] gives, and how it prints.
TEST(AxisTest, DimensionsTextAndJson) {
  const std::vector<AxisCase> cases = {
      {1, {1}, "1", "1"},
      {-1, {3}, "-1", "-1"},
      {{1, 2}, {1, 2}, "[1, 2]", "[1,2]"},
      {{-1, 0}, {0, 3}, "[-1, 0]", "[-1,0]"},
      {{2}, {2}, "[2]", "[2]"},
      {Slice{},
       {0, 1, 2, 3},
       "slice(None, None, None)",
       R"({"slice":[null,null]})"},
      {Slice{1}, {1, 2, 3}, "slice(1, None, None)", R"({"slice":[1,null]})"},
      {Slice{1, -1}, {1, 2}, "slice(1, -1, None)", R"({"slice":[1,-1]})"},
      {Slice{.stop = -2},
       {0, 1},
       "slice(None, -2, None)",
       R"({"slice":[null,-2]})"},
      {Slice{-9, 9}, {0, 1, 2, 3}, "slice(-9, 9, None)", R"({"slice":[-9,9]})"},
      {Slice{3, 2}, {}, "slice(3, 2, None)", R"({"slice":[3,2]})"},
      {Slice{1, {}, 2}, {1, 3}, "slice(1, None, 2)", R"({"slice":[1,null,2]})"},
      {Slice{{}, {}, -2},
       {1, 3},
       "slice(None, None, -2)",
       R"({"slice":[null,null,-2]})"},
      {Slice{-2, 0, -1}, {1, 2}, "slice(-2, 0, -1)", R"({"slice":[-2,0,-1]})"},
  };
  for (const AxisCase& c : cases) {
    c.axis.check("Test");
    EXPECT_EQ(c.axis.of(4, "Test"), c.want) << c.repr;
    const Config config = to_config(c.axis);
    EXPECT_EQ(to_repr(config), c.repr);
    EXPECT_EQ(to_json(config), c.json);
    const Axis again = from_config<Axis>(parse_json(c.json), "axis");
    EXPECT_EQ(to_config(again), config) << c.repr;
  }
}

TEST(AxisTest, Errors) {
  const auto of = [](const Axis& axis) {
    return message_of([&] { axis.of(3, "Test"); });
  };
  EXPECT_EQ(of(3), "[Test] `axis` must be in [-3, 3) for x of rank 3, got 3");
  EXPECT_EQ(of({0, -4}),
            "[Test] `axis` must be in [-3, 3) for x of rank 3, got -4");
  EXPECT_EQ(of({1, -2}),
            "[Test] `axis` must name each dimension once, got [1, -2]");
  EXPECT_EQ(message_of([] { Axis(Dims()).check("Test"); }),
            "[Test] `axis` should be an int, slice or iterable of ints, and "
            "not empty, got []");
  EXPECT_EQ(message_of([] {
              Axis(Slice{1, 2, 0}).check("Test");
            }),
            "[Test] the step of `axis` must not be 0");
  const auto read = [](const char* json) {
    return message_of([&] { from_config<Axis>(parse_json(json), "L.axis"); });
  };
  const std::string start =
      "[L.axis] `axis` should be an int, slice or iterable of ints. Got ";
  EXPECT_EQ(read(R"("foo")"), start + "'foo'");
  EXPECT_EQ(read("1.5"), start + "1.5");
  EXPECT_EQ(read("true"), start + "True");
  EXPECT_EQ(read("null"), start + "None");
  EXPECT_EQ(read(R"([1, "a"])"), start + "[1, 'a']");
  EXPECT_EQ(read(R"({"slice": [1]})"),
            "[L.axis] a slice must be [start, stop] or [start, stop, step], "
            "got [1]");
}

}  // namespace
}  // namespace snt::axis_test
