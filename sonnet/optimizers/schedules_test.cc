#include "sonnet/optimizers/schedules.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "sonnet/core/registry.h"

namespace snt::schedules::schedules_test {
namespace {

struct Case {
  std::string name;
  Schedule schedule;
  std::vector<std::pair<int64_t, double>> values;  // By hand.
};

std::vector<Case> cases() {
  const Linear down{.start = 1.0, .steps = 10};
  return {
      {"Constant", Constant{0.3}, {{0, 0.3}, {1000, 0.3}}},
      {"LinearDown", down, {{0, 1}, {1, 0.9}, {9, 0.1}, {10, 0}, {11, 0}}},
      {"LinearUp",
       Linear{.start = 1.0, .steps = 4, .end = 3.0},
       {{0, 1}, {1, 1.5}, {3, 2.5}, {4, 3}, {100, 3}}},
      {"LinearOneStep", Linear{.start = 1.0, .steps = 1}, {{0, 1}, {1, 0}}},
      {"Cosine",
       Cosine{.start = 1.0, .steps = 6, .end = 0.2},
       {{0, 1}, {2, 0.8}, {3, 0.6}, {4, 0.4}, {6, 0.2}, {7, 0.2}}},
      {"Exponential",
       Exponential{.start = 8.0, .steps = 2, .rate = 0.25},
       {{0, 8}, {1, 4}, {2, 2}, {3, 1}, {8, 0.03125}}},
      {"Staircase",
       Exponential{.start = 8.0, .steps = 3, .rate = 0.5, .staircase = true},
       {{0, 8}, {2, 8}, {3, 4}, {5, 4}, {6, 2}}},
      {"Piecewise",
       Piecewise{.boundaries = {2, 5}, .values = {0.3, 0.2, 0.1}},
       {{0, 0.3}, {1, 0.3}, {2, 0.2}, {4, 0.2}, {5, 0.1}, {99, 0.1}}},
      {"PiecewiseOne",
       Piecewise{.boundaries = std::vector<int64_t>{}, .values = {0.3}},
       {{0, 0.3}, {7, 0.3}}},
      {"WarmUp",
       WarmUp{.steps = 4, .then = down},
       {{0, 0}, {1, 0.25}, {3, 0.75}, {4, 1}, {5, 0.9}, {14, 0}}},
      {"WarmUpFrom",
       WarmUp{.steps = 2, .then = Constant{0.5}, .start = 0.1},
       {{0, 0.1}, {1, 0.3}, {2, 0.5}, {3, 0.5}}},
      {"WarmUpNone", WarmUp{.steps = 0, .then = down}, {{0, 1}, {1, 0.9}}},
      {"Joined",
       Joined{.schedules = {Constant{0.7}, down, down}, .boundaries = {2, 7}},
       {{0, 0.7}, {1, 0.7}, {2, 1}, {6, 0.6}, {7, 1}, {8, 0.9}, {50, 0}}},
      {"JoinedOne", Joined{.schedules = {down}}, {{0, 1}, {3, 0.7}}},
  };
}

class Schedules : public testing::TestWithParam<Case> {};

TEST_P(Schedules, HasTheValuesOfItsFormula) {
  for (const auto& [step, value] : GetParam().values) {
    EXPECT_NEAR(GetParam().schedule(step), value, 1e-15) << step;
  }
}

TEST_P(Schedules, GoesThroughJson) {
  const Hyperparameter h = GetParam().schedule;
  const std::string text = to_json(h.config());
  const auto again = from_config<Hyperparameter>(parse_json(text), "test");
  EXPECT_EQ(to_json(again.config()), text);
  for (const auto& [step, value] : GetParam().values) {
    EXPECT_EQ(again.value(step), h.value(step)) << text;
  }
}

INSTANTIATE_TEST_SUITE_P(Each, Schedules, testing::ValuesIn(cases()),
                         [](const auto& info) { return info.param.name; });

TEST(SchedulesLaws, DecaysNeverRise) {
  for (const Schedule& schedule :
       {Schedule(Linear{.start = 0.3, .steps = 37}),
        Schedule(Cosine{.start = 0.3, .steps = 37}),
        Schedule(Exponential{.start = 0.3, .steps = 7, .rate = 0.9})}) {
    for (int64_t step = 0; step < 60; ++step) {
      EXPECT_LE(schedule(step + 1), schedule(step));
    }
  }
}

TEST(SchedulesText, PrintsTheOptions) {
  EXPECT_EQ(repr(Cosine{.start = 0.1, .steps = 5}),
            "Cosine(start=0.1, steps=5)");
  EXPECT_EQ(repr(WarmUp{.steps = 5, .then = Constant{0.1}}),
            "WarmUp(steps=5, then=Constant(value=0.1))");
  EXPECT_EQ(Hyperparameter(Linear{.start = 0.1, .steps = 5, .end = 0.05})
                .config()
                .get_if<Config::Object>()
                ->class_name,
            "schedules.Linear");
}

struct BadCase {
  Schedule schedule;
  std::string message;
};

class SchedulesErrors : public testing::TestWithParam<BadCase> {};

TEST_P(SchedulesErrors, SaysWhatIsWrong) {
  try {
    GetParam().schedule(3);
    FAIL() << "must throw: " << GetParam().message;
  } catch (const ValueError& error) {
    EXPECT_STREQ(error.what(), GetParam().message.c_str());
  }
}

INSTANTIATE_TEST_SUITE_P(
    Each, SchedulesErrors,
    testing::Values(
        BadCase{Linear{.start = 1.0, .steps = 0},
                "[Linear] steps must be >= 1, got 0"},
        BadCase{Cosine{.start = 1.0, .steps = -3},
                "[Cosine] steps must be >= 1, got -3"},
        BadCase{Exponential{.start = 1.0, .steps = 0, .rate = 0.5},
                "[Exponential] steps must be >= 1, got 0"},
        BadCase{Exponential{.start = 1.0, .steps = 1, .rate = -0.5},
                "[Exponential] rate must be > 0, got -0.5"},
        BadCase{Piecewise{.boundaries = {1, 2}, .values = {0.1, 0.2}},
                "[Piecewise] values must be one more than boundaries, got 2 "
                "and 2"},
        BadCase{Piecewise{.boundaries = {5, 5}, .values = {0.1, 0.2, 0.3}},
                "[Piecewise] boundaries must increase, got [5, 5]"},
        BadCase{WarmUp{.steps = -1, .then = Constant{0.1}},
                "[WarmUp] steps must be >= 0, got -1"},
        BadCase{WarmUp{.steps = 10}, "[WarmUp] then must be given"},
        BadCase{Joined{},
                "[Joined] schedules must be one more than boundaries, got 0 "
                "and 0"},
        BadCase{
            Joined{.schedules = {Constant{0.1}, Schedule()}, .boundaries = {1}},
            "[Joined] schedules[1] is unset"}));

}  // namespace
}  // namespace snt::schedules::schedules_test
