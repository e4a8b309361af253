#include "sonnet/core/dynamic_call.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sonnet/testing/message_of.h"

namespace snt::dynamic_call_test {
namespace {

using at::Tensor;

struct State {
  Tensor hidden = {};
  Tensor cell = {};
};

// Takes and gives structs, has arguments with defaults.
struct Core {
  std::pair<Tensor, State> operator()(const Tensor& x, const State& state,
                                      double scale = 10.0,
                                      std::optional<bool> flip = {}) const {
    const double sign = flip.value_or(false) ? -1 : 1;
    return {sign * scale * x + state.hidden, {state.cell, state.hidden}};
  }
};

struct Overloaded {
  Tensor operator()(const Tensor& x) const { return x + 1; }
  int operator()(int x) const { return x + 2; }
};

struct Templated {
  template <class T>
  T operator()(const T& x) const {
    return 3 * x;
  }
};

// Wants the run-time arguments themselves.
struct Counts {
  Nest call(std::span<const Nest> args) const { return args.size(); }
};

Tensor subtract(const Tensor& a, Tensor b) { return a - b; }

template <class F>
Nest call(const F& f, std::vector<Nest> args) {
  return detail::call_dynamic(f, args, "F");
}
template <class F>
std::string failure(const F& f, std::vector<Nest> args) {
  return message_of<TypeError>([&] { call(f, std::move(args)); });
}

const Tensor two = at::full({2}, 2.0);
const Tensor three = at::full({2}, 3.0);

TEST(DynamicCall, WithoutArguments) {
  EXPECT_EQ(*call([] { return 3; }, {}).get_if<int64_t>(), 3);
  EXPECT_EQ(*call([](int x = 4) { return x; }, {}).get_if<int64_t>(), 4);
  int calls = 0;
  EXPECT_TRUE(call([&] { ++calls; }, {}).is_none());
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(failure([] { return 3; }, {1}),
            "[F] cannot be called with 1 arguments");
}

TEST(DynamicCall, CallsEveryKindOfFunction) {
  EXPECT_TRUE(at::equal(call(&subtract, {two, three}).tensor(), two - three));
  const std::function<Tensor(Tensor, Tensor)> function = subtract;
  EXPECT_TRUE(at::equal(call(function, {two, three}).tensor(), two - three));
  const auto lambda = [](Tensor a, const Tensor& b) noexcept { return a - b; };
  EXPECT_TRUE(at::equal(call(lambda, {two, three}).tensor(), two - three));
  EXPECT_TRUE(at::equal(call(Overloaded(), {two}).tensor(), three));
  EXPECT_TRUE(at::equal(call(Templated(), {two}).tensor(), 3 * two));
  EXPECT_EQ(*call(Counts(), {1, 2, Nest()}).get_if<int64_t>(), 3);
}

TEST(DynamicCall, TakesAndGivesStructs) {
  const State state{at::full({2}, 5.0), at::full({2}, 7.0)};
  const Nest result = call(Core(), {two, to_nest(state)});
  EXPECT_TRUE(at::equal(result.at(0).tensor(), at::full({2}, 25.0)));
  EXPECT_TRUE(result.at(1).at("hidden").tensor().is_same(state.cell));
  EXPECT_TRUE(result.at(1).at("cell").tensor().is_same(state.hidden));
}

TEST(DynamicCall, UsesDefaultArguments) {
  const Nest state = to_nest(State{at::zeros({2}), at::zeros({2})});
  const auto first = [&](std::vector<Nest> args) {
    return call(Core(), std::move(args)).at(0).tensor();
  };
  EXPECT_TRUE(at::equal(first({two, state}), 10 * two));
  EXPECT_TRUE(at::equal(first({two, state, 4}), 4 * two));
  EXPECT_TRUE(at::equal(first({two, state, 4.5, true}), -4.5 * two));
  EXPECT_TRUE(at::equal(first({two, state, 4.5, Nest()}), 4.5 * two));
}

TEST(DynamicCall, ErrorsNameTheArgument) {
  const Nest state = to_nest(State{two, three});
  EXPECT_EQ(failure(Core(), {}), "[F] cannot be called with 0 arguments");
  EXPECT_EQ(failure(Core(), {two}), "[F] cannot be called with 1 arguments");
  EXPECT_EQ(failure(Core(), {two, state, 1, true, 1}),
            "[F] cannot be called with 5 arguments");
  EXPECT_EQ(failure(Core(), {state, state}),
            "[F argument 0] must be a tensor, got a dictionary of {hidden, "
            "cell}");
  EXPECT_EQ(failure(Core(), {two, two}),
            "[F argument 1] must be a State of 2 fields, got a tensor [2]");
  EXPECT_EQ(failure(Core(), {two, Nest::Dict{{"hidden", 1}, {"cell", two}}}),
            "[F argument 1/hidden] must be a tensor, got 1");
  EXPECT_EQ(failure(Core(), {two, state, std::string("x")}),
            "[F argument 2] must be a number, got 'x'");
  EXPECT_EQ(failure(Overloaded(), {3}),
            "[F argument 0] must be a tensor, got 3");
  EXPECT_EQ(failure(Overloaded(), {two, two}),
            "[F] cannot be called with 2 arguments");
}

TEST(DynamicCall, LeavesTheErrorsOfTheFunctionAlone) {
  const auto fails = [](const Tensor&) -> Tensor {
    throw KeyError("[fails] on purpose");
  };
  EXPECT_EQ(message_of<KeyError>([&] { call(fails, {two}); }),
            "[fails] on purpose");
}

}  // namespace
}  // namespace snt::dynamic_call_test
