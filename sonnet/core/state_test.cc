#include "sonnet/core/state.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "sonnet/core/clone.h"
#include "sonnet/core/getter.h"
#include "sonnet/layers/linear.h"
#include "sonnet/testing/message_of.h"

namespace snt::state_test {
namespace {

using at::Tensor;

struct Empty {};

struct Net {
  Linear first{3};
  Linear second{2};
  Variable steps = Variable::counter();

  Tensor operator()(const Tensor& x) const { return second(first(x)); }
};

// The same Linear at two paths.
struct Tied {
  Linear a{2};
  Linear b = a;

  Tensor operator()(const Tensor& x) const { return b(a(x)); }
};

Net make_net(double start) {
  Net net;
  net(at::ones({1, 4}));
  for (const auto& [path, variable] : named_variables(net)) {
    const Tensor& value = variable.value();
    variable.assign(at::arange(value.numel(), at::kDouble)
                        .reshape(value.sizes())
                        .add(start)
                        .to(value.scalar_type()));
    start += 100;
  }
  return net;
}

std::vector<std::string> paths(const StateMap& state) {
  std::vector<std::string> result;
  for (const auto& [path, value] : state) result.push_back(path);
  return result;
}

StateMap snapshot(const Net& net) {
  StateMap result = state(net);
  for (auto& [path, value] : result) value = value.clone();
  return result;
}

void expect_equal(const StateMap& a, const StateMap& b) {
  ASSERT_EQ(paths(a), paths(b));
  for (const auto& [path, value] : a) {
    EXPECT_TRUE(at::equal(value, b.at(path))) << path;
  }
}

TEST(State, OfNothingIsEmpty) {
  EXPECT_TRUE(state(Empty()).empty());
  EXPECT_TRUE(load(Empty(), {}).complete());
  copy_parameters(Empty(), Empty());
  EXPECT_EQ(message_of([] {
              load(Empty(), {{"w", at::ones({1})}});
            }),
            "[Empty] cannot load: unexpected: w");
  EXPECT_TRUE(state(Linear{3}).empty());  // Not built.
}

TEST(State, HoldsAllVariablesByPath) {
  const Net net = make_net(0);
  const StateMap values = state(net);
  EXPECT_EQ(paths(values),
            (std::vector<std::string>{"first/b", "first/w", "second/b",
                                      "second/w", "steps"}));
  EXPECT_TRUE(values.at("first/w").is_alias_of(net.first.w.value()));
  EXPECT_FALSE(values.at("first/w").requires_grad());
  EXPECT_TRUE(net.first.w.value().requires_grad());
  const Tied tied;
  tied(at::ones({1, 2}));
  EXPECT_EQ(paths(state(tied)), (std::vector<std::string>{"a/b", "a/w"}));
}

TEST(State, IsThatOfTheVariablesAlsoInsideAGetter) {
  const Net net = make_net(0), other = make_net(1000);
  const StateMap expected = snapshot(net);
  const custom_variable_getter getter(
      [](const Tensor& value) { return 2 * value.to(at::kDouble); });
  expect_equal(state(net), expected);
  copy_parameters(net, other, {.tau = 0.5});
  load(other, expected);
  expect_equal(state(other), expected);
}

TEST(State, LoadsWhatItGave) {
  const Net from = make_net(0), to = make_net(1000);
  const Tensor before = to.first.w.value();
  const LoadReport report = load(to, state(from));
  EXPECT_TRUE(report.complete());
  EXPECT_EQ(report.text(), "");
  EXPECT_EQ(report.loaded,
            (std::vector<std::string>{"first/w", "first/b", "second/w",
                                      "second/b", "steps"}));
  expect_equal(state(to), state(from));
  EXPECT_TRUE(to.first.w.value().is_same(before));  // In place.
  EXPECT_FALSE(to.first.w.value().is_alias_of(from.first.w.value()));
  load(to, state(to));
  expect_equal(state(to), state(from));
}

TEST(State, ReportsWhatDoesNotFitAndWritesNothing) {
  const Net net = make_net(0);
  const StateMap before = snapshot(net);
  StateMap values = snapshot(make_net(1000));
  values.erase("second/b");
  values["first/b"] = at::ones({4});
  values["steps"] = at::ones({});
  values["second/v"] = at::ones({1});
  values["zeta"] = at::ones({1});
  EXPECT_EQ(message_of([&] { load(net, values); }),
            "[Net] cannot load: missing: second/b; unexpected: second/v, zeta; "
            "mismatched: first/b: has [3] float32, got [4] float32, steps: has "
            "[] int64, got [] float32");
  expect_equal(snapshot(net), before);

  const LoadReport report = load(net, values, {.strict = false});
  EXPECT_FALSE(report.complete());
  EXPECT_EQ(report.loaded, (std::vector<std::string>{"first/w", "second/w"}));
  EXPECT_EQ(report.missing, (std::vector<std::string>{"second/b"}));
  EXPECT_EQ(report.unexpected, (std::vector<std::string>{"second/v", "zeta"}));
  EXPECT_EQ(report.mismatched.size(), 2u);
  EXPECT_TRUE(at::equal(net.first.w.value(), values["first/w"]));
  EXPECT_TRUE(at::equal(net.first.b.value(), before.at("first/b")));
}

TEST(State, AValueWithoutATensorIsAMismatch) {
  const Net net = make_net(0);
  const StateMap before = snapshot(net);
  StateMap values = snapshot(make_net(1000));
  values["second/w"] = Tensor();
  EXPECT_EQ(message_of([&] { load(net, values); }),
            "[Net] cannot load: mismatched: second/w: has [3, 2] float32, got "
            "no tensor");
  expect_equal(snapshot(net), before);
  const Linear fresh{3};
  EXPECT_EQ(message_of([&] {
              load(fresh, {{"w", Tensor()}});
            }),
            "[Linear] cannot load: mismatched: w: is not built, got no tensor");
}

TEST(State, WaitsForTheFirstCall) {
  const Net from = make_net(0);
  StateMap values = snapshot(from);
  const Net to;
  EXPECT_TRUE(load(to, values).complete());
  values["first/w"].fill_(-1);  // The caller may go on with its tensors.
  EXPECT_FALSE(to.first.w.is_built());
  const Tensor x = at::rand({2, 4});
  EXPECT_TRUE(at::equal(to(x), from(x)));
  EXPECT_TRUE(to.first.w.trainable());
  EXPECT_TRUE(to.first.w.value().requires_grad());

  const Linear other{3};
  load(other, {{"w", at::ones({4, 3})}});
  EXPECT_EQ(message_of([&] {
              other(at::ones({1, 5}));
            }),
            "[Variable w] the value that was loaded has shape [4, 3], but this "
            "call needs [5, 3]");
}

TEST(State, ASharedVariableNeedsAValueAtOneOfItsPaths) {
  const Tensor w = at::full({2, 2}, 3.0), b = at::full({2}, 4.0);
  for (const std::string where : {"a/", "b/"}) {
    const Tied tied;
    tied(at::ones({1, 2}));
    const LoadReport report = load(tied, {{where + "w", w}, {where + "b", b}});
    EXPECT_EQ(report.loaded,
              (std::vector<std::string>{where + "w", where + "b"}));
    EXPECT_TRUE(at::equal(tied.a.w.value(), w));
    EXPECT_TRUE(at::equal(tied.b.b.value(), b));
    EXPECT_EQ(message_of([&] {
                load(tied, {{where + "b", b}});
              }),
              "[Tied] cannot load: missing: a/w");
  }
}

TEST(CopyParameters, FollowsSlowly) {
  for (const double tau : {0.0, 0.005, 0.3, 1.0}) {
    const Net from = make_net(0), to = make_net(1000);
    to.first.w.value().set_requires_grad(true);
    const StateMap a = snapshot(from), b = snapshot(to);
    copy_parameters(from, to, {.tau = tau});
    for (const auto& [path, value] : state(to)) {
      if (path == "steps") {  // Whole numbers are copied.
        EXPECT_TRUE(at::equal(value, a.at(path)));
        continue;
      }
      const Tensor expected = tau * a.at(path).to(at::kDouble) +
                              (1 - tau) * b.at(path).to(at::kDouble);
      EXPECT_TRUE(at::allclose(value.to(at::kDouble), expected, 1e-6, 0))
          << path << " " << tau;
    }
    expect_equal(snapshot(from), a);
  }
}

TEST(CopyParameters, MovesASharedVariableOnce) {
  const Tied from, to;
  from(at::ones({1, 2}));
  to(at::ones({1, 2}));
  from.a.w.assign(at::full({2, 2}, 8.0));
  to.a.w.assign(at::full({2, 2}, 4.0));
  copy_parameters(from, to, {.tau = 0.25});
  EXPECT_TRUE(at::equal(to.a.w.value(), at::full({2, 2}, 5.0)));
}

TEST(CopyParameters, TakesEveryDtype) {
  for (const at::ScalarType dtype :
       {at::kHalf, at::kBFloat16, at::kDouble, at::kComplexFloat}) {
    const Variable from(at::full({2}, 8, dtype)), to(at::full({2}, 4, dtype));
    copy_parameters(from, to, {.tau = 0.25});
    EXPECT_TRUE(at::equal(to.value(), at::full({2}, 5, dtype))) << dtype;
  }
}

TEST(CopyParameters, ThrowsWhenBothAreTheSameSlots) {
  const Net net = make_net(0);
  const Net shallow = net;
  EXPECT_EQ(message_of([&] { copy_parameters(net, shallow); }),
            "[copy_parameters] both modules share 'first/w': a copy shares its "
            "variables, use snt::clone for the second");
  // Also when they are shared at other paths.
  Net crossed = make_net(1000);
  crossed.second.b = net.first.b;
  EXPECT_EQ(message_of([&] { copy_parameters(net, crossed); }),
            "[copy_parameters] both modules share 'second/b': a copy shares "
            "its variables, use snt::clone for the second");
  copy_parameters(net, clone(net));
}

TEST(CopyParameters, WritesNothingWhenStructuresDiffer) {
  const Net from = make_net(0);
  const auto failure = [&](const Net& to) {
    const StateMap before = snapshot(to);
    const std::string message = message_of([&] { copy_parameters(from, to); });
    expect_equal(snapshot(to), before);
    return message;
  };
  Net to = make_net(1000);
  to.steps = Variable(at::ones({2}, at::kLong), /*trainable=*/false);
  EXPECT_EQ(failure(to),
            "[copy_parameters] 'steps' has [] int64 and [2] int64");
  to.steps = Variable(at::ones({}), /*trainable=*/false);
  EXPECT_EQ(failure(to),
            "[copy_parameters] 'steps' has [] int64 and [] float32");
  to.steps = Variable::state();
  EXPECT_EQ(failure(to),
            "[copy_parameters] 'steps' is built in one module only: call both "
            "once");
  to.steps = to.second.b;
  EXPECT_EQ(failure(to),
            "[copy_parameters] 'steps' is shared in the second module only");

  EXPECT_EQ(message_of([&] { copy_parameters(from, from.first); }),
            "[copy_parameters] only the second module has 'w'");
  struct More {
    Linear first{3};
    Linear second{2};
    Variable steps = Variable::counter();
    Variable zeta = Variable(at::ones({1}));
  };
  More more;
  more.first(at::ones({1, 4}));
  more.second(at::ones({1, 3}));
  EXPECT_EQ(message_of([&] { copy_parameters(more, from); }),
            "[copy_parameters] only the first module has 'zeta'");
  for (const double tau : {-0.1, 1.1}) {
    EXPECT_EQ(message_of([&] { copy_parameters(from, make_net(1), {tau}); }),
              "[copy_parameters] tau must be in [0, 1], got " + format(tau));
  }
}

TEST(CopyParameters, LeavesTheNetworksTrainable) {
  const Net from = make_net(0), to = make_net(1000);
  copy_parameters(from, to, {.tau = 0.5});
  EXPECT_TRUE(to.first.w.value().requires_grad());
  EXPECT_TRUE(to.first.w.value().is_leaf());
  copy_parameters(Net(), Net());  // Nothing is built: nothing to copy.
}

}  // namespace
}  // namespace snt::state_test
