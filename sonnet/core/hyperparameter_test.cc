#include "sonnet/core/hyperparameter.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <functional>

#include "sonnet/core/clone.h"
#include "sonnet/core/registry.h"
#include "sonnet/core/variables.h"

namespace snt::hyperparameter_test {
namespace {

struct Halving {
  Required<double> start;
  int64_t every = 1;
  double operator()(int64_t step) const {
    return start / static_cast<double>(int64_t{1} << (step / every));
  }
};

struct Holder {
  Hyperparameter rate;
  Hyperparameter decay = 0.9;
  std::string name = {};

  Variable w = {};
};

template <class Error, class F>
std::string message(F&& f) {
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  }
  return "nothing was thrown";
}

TEST(Hyperparameter, MustBeGivenUnlessTheStructSaysANumber) {
  static_assert(!std::is_default_constructible_v<Hyperparameter>);
  EXPECT_EQ(num_options<Holder>, 3u);
  EXPECT_STREQ(message<ValueError>([] { from_json<Holder>("{}"); }).c_str(),
               "[Holder] option 'rate' is required");
  EXPECT_EQ(from_json<Holder>(R"({"rate": 2})").decay.value(), 0.9);
}

TEST(Hyperparameter, IsMadeFromNumbersOfAnyType) {
  EXPECT_EQ(Hyperparameter(0.25).value(), 0.25);
  EXPECT_EQ(Hyperparameter(0.25f).value(), 0.25);
  EXPECT_EQ(Hyperparameter(3).value(), 3.0);
  EXPECT_EQ(Hyperparameter(size_t{7}).value(), 7.0);
  EXPECT_EQ(Hyperparameter(0.1).dtype(), at::kFloat);
  static_assert(!std::is_convertible_v<bool, Hyperparameter>);
  static_assert(!std::is_convertible_v<std::string, Hyperparameter>);
  Holder holder{.rate = 1};
  holder.rate = 0.5;
  EXPECT_EQ(holder.rate.value(), 0.5);
  EXPECT_FALSE(holder.rate.is_schedule());
}

TEST(Hyperparameter, ReadsAVariableAnew) {
  const Variable variable(at::scalar_tensor(0.5, at::kDouble), false);
  const Hyperparameter rate = variable;
  EXPECT_EQ(rate.value(), 0.5);
  variable.assign(0.1);
  EXPECT_EQ(rate.value(), 0.1);
  EXPECT_EQ(rate.dtype(), at::kDouble);
  ASSERT_NE(rate.variable(), nullptr);
  EXPECT_EQ(*rate.variable(), variable);
}

TEST(Hyperparameter, ReadsATensorAnew) {
  at::Tensor tensor = at::scalar_tensor(0.5, at::kDouble);
  const Hyperparameter rate = tensor;
  tensor.fill_(0.1);
  EXPECT_EQ(rate.value(), 0.1);
  EXPECT_EQ(rate.dtype(), at::kDouble);
  EXPECT_EQ(rate.variable(), nullptr);
}

TEST(Hyperparameter, CallsASchedule) {
  const Hyperparameter by_struct = Halving{.start = 1.0};
  EXPECT_TRUE(by_struct.is_schedule());
  EXPECT_EQ(by_struct.value(), 1.0);
  EXPECT_EQ(by_struct.value(3), 0.125);
  const Hyperparameter by_lambda = [](int64_t step) { return 2.0 * step; };
  EXPECT_EQ(by_lambda.value(3), 6.0);
  const Hyperparameter by_schedule = Schedule(Halving{.start = 4.0});
  EXPECT_EQ(by_schedule.value(1), 2.0);
}

TEST(Hyperparameter, RefusesWhatIsNoNumber) {
  EXPECT_STREQ(
      message<ValueError>([] {
        Hyperparameter h = Variable(at::ones({2, 3}));
      }).c_str(),
      "[Hyperparameter] a variable must have one element, got shape [2, 3]");
  EXPECT_STREQ(
      message<ValueError>([] { Hyperparameter h = at::ones({2}); }).c_str(),
      "[Hyperparameter] a tensor must have no dimensions, got shape [2]");
  EXPECT_STREQ(
      message<ValueError>([] { Hyperparameter h = at::Tensor(); }).c_str(),
      "[Hyperparameter] a tensor must be defined");
  EXPECT_THROW(Hyperparameter(Variable::state()).value(), NotBuiltError);
  EXPECT_THROW(Hyperparameter(Schedule()).value(), std::bad_function_call);
}

TEST(Hyperparameter, ItsVariableIsOneOfTheHoldersAtThePathOfTheOption) {
  Holder holder{.rate = Variable(at::scalar_tensor(0.5), false)};
  const auto found =
      named_variables(holder, {.allow_empty = true, .allow_unbuilt = true});
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].path, "rate");
  EXPECT_EQ(found[0].variable.name(), "holder/rate");
  EXPECT_EQ(found[0].variable, *holder.rate.variable());
  EXPECT_TRUE(submodules(holder).empty());
  EXPECT_TRUE(variables(Holder{.rate = 0.5}, {.allow_empty = true}).empty());
}

TEST(Hyperparameter, CopiesShareTheVariableAndClonesDoNot) {
  const Variable variable(at::scalar_tensor(0.5), false);
  const Holder holder{.rate = variable};
  const Holder copy = holder;
  const Holder deep = clone(holder);
  variable.assign(0.25);
  EXPECT_EQ(copy.rate.value(), 0.25);
  EXPECT_EQ(deep.rate.value(), 0.5);
  Hyperparameter from = 0.5;
  const Hyperparameter to = std::move(from);
  EXPECT_EQ(from.value(), 0.5);  // NOLINT: a moved-from one stays valid.
}

TEST(Hyperparameter, PrintsAndStoresANumber) {
  EXPECT_EQ(repr(Holder{.rate = 0.1}), "Holder(rate=0.1)");
  EXPECT_EQ(repr(Holder{.rate = 1e-5, .decay = 0.5}),
            "Holder(rate=1e-05, decay=0.5)");
  EXPECT_EQ(repr(Holder{.rate = 1, .decay = 0.9}), "Holder(rate=1.0)");
  EXPECT_EQ(repr(Holder{.rate = at::scalar_tensor(0.5)}), "Holder(rate=0.5)");
  EXPECT_EQ(to_json(Holder{.rate = 0.1}), R"({"rate":0.1,"decay":0.9})");
  EXPECT_EQ(from_json<Holder>(R"({"rate": 0.1})").rate.value(), 0.1);
}

TEST(Hyperparameter, StoresAVariableWithItsNameAndDtype) {
  const auto holder =
      from_json<Holder>(R"({"rate": {"variable": 0.5, "name": "eta"}})");
  ASSERT_NE(holder.rate.variable(), nullptr);
  EXPECT_EQ(holder.rate.variable()->name(), "eta");
  EXPECT_EQ(holder.rate.variable()->dtype(), at::kFloat);
  EXPECT_EQ(holder.rate.variable()->shape(), at::IntArrayRef{});
  EXPECT_FALSE(holder.rate.variable()->trainable());
  EXPECT_EQ(to_json(holder),
            R"({"rate":{"variable":0.5,"name":"eta"},"decay":0.9})");
  EXPECT_EQ(repr(holder), "Holder(rate=0.5)");

  const Holder wide{.rate = Variable(at::scalar_tensor(0.1, at::kDouble))};
  const auto again = from_json<Holder>(to_json(wide));
  EXPECT_EQ(again.rate.value(), 0.1);
  EXPECT_EQ(again.rate.dtype(), at::kDouble);
}

TEST(Hyperparameter, StoresAScheduleByItsClass) {
  registry<Schedule>().add<Halving>();
  const Holder holder{.rate = Halving{.start = 1.0, .every = 2}};
  const std::string text = to_json(holder);
  const std::string name = config_name<Halving>();
  EXPECT_EQ(text, R"({"rate":{"class":")" + name +
                      R"(","config":{"start":1.0,"every":2}},)"
                      R"("decay":0.9})");
  EXPECT_EQ(repr(holder), "Holder(rate=Halving(start=1.0, every=2))");
  EXPECT_EQ(from_json<Holder>(text).rate.value(5), 0.25);

  const Holder lambda{.rate = [](int64_t) { return 1.0; }};
  EXPECT_EQ(repr(lambda), "Holder(rate=<lambda>)");
  EXPECT_THROW(to_json(lambda), ValueError);
}

TEST(Hyperparameter, SaysWhatItCannotRead) {
  EXPECT_STREQ(
      message<ValueError>([] {
        from_json<Holder>(R"({"rate": [1]})");
      }).c_str(),
      "[Holder.rate] must be a number, {\"variable\": ...} or {\"class\": ..., "
      "\"config\": {...}} of a schedule, got [1]");
  EXPECT_STREQ(
      message<ValueError>([] {
        from_json<Holder>(R"({"rate": {"variable": 1, "shape": []}})");
      }).c_str(),
      "[Holder.rate] unknown option 'shape'; known: variable, name, dtype");
}

}  // namespace
}  // namespace snt::hyperparameter_test
