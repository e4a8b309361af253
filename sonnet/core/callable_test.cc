#include "sonnet/core/callable.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "sonnet/core/activation.h"
#include "sonnet/core/clone.h"
#include "sonnet/core/initializer.h"
#include "sonnet/initializers/constant.h"
#include "sonnet/testing/message_of.h"

namespace snt::callable_test {
namespace {

using Function = Callable<double(double)>;

struct Power {
  double exponent = 2;

  void check() const {
    snt::check(exponent > 0, "Power", "exponent must be positive, got ",
               exponent);
  }
  double operator()(double x) const { return std::pow(x, exponent); }
};

double negate(double x) { return -x; }

TEST(Callable, HoldsNothingAtFirst) {
  const Function unset;
  EXPECT_FALSE(unset);
  EXPECT_THROW(unset(1), std::bad_function_call);
  EXPECT_TRUE(unset.config().is_none());
  EXPECT_EQ(unset.get_if<Power>(), nullptr);
}

TEST(Callable, HoldsAnyCallable) {
  EXPECT_EQ(Function([](double x) { return 2 * x; })(3), 6.0);
  EXPECT_EQ(Function(negate)(3), -3.0);
  EXPECT_EQ(Function(&negate)(3), -3.0);
  EXPECT_EQ(Function(Power{.exponent = 3})(2), 8.0);
  EXPECT_EQ(Function(std::function<double(double)>(negate))(1), -1.0);
  // Converts arguments and result as a call does.
  EXPECT_EQ(Function([](int x) { return x; })(2.75), 2.0);
}

TEST(Callable, TakesNothingElse) {
  static_assert(!std::is_constructible_v<Function, double>);
  static_assert(!std::is_constructible_v<Function, std::string>);
  const auto two = [](double, double) { return 1.0; };
  static_assert(!std::is_constructible_v<Function, decltype(two)>);
  const auto no_result = [](double) {};
  static_assert(!std::is_constructible_v<Function, decltype(no_result)>);
  // It is called as const, by several threads.
  auto changing = [n = 0.0](double) mutable { return n += 1; };
  static_assert(!std::is_constructible_v<Function, decltype(changing)>);
}

TEST(Callable, GivesWhatItHolds) {
  const Function power = Power{.exponent = 3};
  ASSERT_NE(power.get_if<Power>(), nullptr);
  EXPECT_EQ(power.get_if<Power>()->exponent, 3.0);
  EXPECT_EQ(Function(negate).get_if<Power>(), nullptr);
}

TEST(Callable, CopiesShareAndTheMovedFromIsEmpty) {
  const auto counter = std::make_shared<int>(0);
  const Function a = [counter](double x) { return x + ++*counter; };
  const Function b = a;
  EXPECT_EQ(counter.use_count(), 2);
  EXPECT_EQ(a(0), 1.0);
  EXPECT_EQ(b(0), 2.0);
  Function c = b;
  const Function d = std::move(c);
  EXPECT_EQ(d(0), 3.0);
  EXPECT_EQ(clone(a)(0), 4.0);
}

TEST(Callable, PassesReferencesThrough) {
  using Touch = Callable<void(int&)>;
  int value = 1;
  Touch([](int& x) { x = 5; })(value);
  EXPECT_EQ(value, 5);
  using Take = Callable<int(std::unique_ptr<int>)>;
  EXPECT_EQ(
      Take([](std::unique_ptr<int> p) { return *p; })(std::make_unique<int>(7)),
      7);
}

TEST(Callable, PrintsAStructAsItsOptions) {
  EXPECT_EQ(to_repr(Function(Power()).config()), "Power()");
  EXPECT_EQ(to_repr(Function(Power{.exponent = 3}).config()),
            "Power(exponent=3.0)");
  EXPECT_EQ(to_repr(Function(negate).config()), "<lambda>");
  EXPECT_EQ(to_repr(Function([](double x) { return x; }).config()), "<lambda>");
  EXPECT_STREQ(
      message_of([] { Function(Power{.exponent = 0}).config(); }).c_str(),
      "[Power] exponent must be positive, got 0.0");
}

TEST(Callable, IsReadByClass) {
  registry<Function>().add<Power>();
  const auto read = [](const char* json) {
    return from_config<Function>(parse_json(json), "M.f");
  };
  EXPECT_EQ(read(R"({"class": "Power", "config": {"exponent": 3}})")(2), 8.0);
  EXPECT_EQ(read(R"("Power")")(3), 9.0);
  EXPECT_FALSE(read("null"));
  EXPECT_STREQ(message_of([&] { read(R"("Root")"); }).c_str(),
               "[M.f] unknown class 'Root'; known: Power");
}

TEST(Activation, NamedOnesHaveAName) {
  const Activation relu = activations::relu;
  EXPECT_EQ(to_repr(relu.config()), "relu");
  EXPECT_EQ(to_json(relu.config()), R"("relu")");
  EXPECT_EQ(relu.config(), Activation(activations::relu).config());
  EXPECT_FALSE(relu.config() == Activation(activations::tanh).config());
  const at::Tensor x = at::tensor({-1.5, 2.0});
  EXPECT_TRUE(at::equal(relu(x), at::tensor({0.0, 2.0})));
}

TEST(Activation, EachIsFoundByItsName) {
  const at::Tensor x = at::tensor({-7.5, -0.5, 0.25, 1.5, 6.5});
  for (const NamedFunction& function : activations::all()) {
    const Config name{std::string(function.name)};
    const auto again = from_config<Activation>(name, "test");
    EXPECT_TRUE(at::equal(again(x), function(x))) << function.name;
    EXPECT_EQ(to_repr(again.config()), function.name);
  }
}

TEST(Activation, ALambdaHasNoJson) {
  const Activation twice = [](const at::Tensor& x) { return 2 * x; };
  EXPECT_TRUE(at::equal(twice(at::ones({2})), at::full({2}, 2.0f)));
  EXPECT_STREQ(message_of([&] { to_json(twice.config()); }).c_str(),
               "[to_json] JSON cannot hold <lambda>: give it a name of "
               "snt::activations, or a registered struct");
  EXPECT_FALSE(twice.config() == twice.config());
}

TEST(Initializer, AStructOrAFunction) {
  const Initializer ones = initializers::Ones();
  EXPECT_TRUE(
      at::equal(ones({2, 1}, at::kDouble), at::ones({2, 1}, at::kDouble)));
  const Initializer sevens = [](at::IntArrayRef shape, at::ScalarType dtype) {
    return at::full(shape, 7, dtype);
  };
  EXPECT_TRUE(at::equal(sevens({3}, at::kFloat), at::full({3}, 7.0f)));
}

}  // namespace
}  // namespace snt::callable_test
