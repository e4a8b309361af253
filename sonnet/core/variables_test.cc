#include "sonnet/core/variables.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sonnet/layers/linear.h"
#include "sonnet/layers/reshape.h"
#include "sonnet/metrics/exponential_moving_average.h"
#include "sonnet/nets/mlp.h"
#include "sonnet/testing/message_of.h"

namespace snt::variables_test {
namespace {

using Strings = std::vector<std::string>;

// Not in alphabetical order, with a moving average and a part that is only
// used on request.
struct Net {
  nets::MLP trunk{.output_sizes = {4, 2}};
  ExponentialMovingAverage average{0.9};
  Linear head{3};
  Linear extra{5};
  at::Tensor table = at::ones({2});

  at::Tensor operator()(const at::Tensor& x, bool use_extra = false) const {
    const at::Tensor y = trunk(x) * table;
    average(y.detach().mean());
    return use_extra ? extra(head(y)) : head(y);
  }
};

struct Stateless {
  static constexpr bool allow_empty_variables = true;
  at::Tensor operator()(const at::Tensor& x) const { return x; }
};

const at::Tensor kInput = at::arange(6).to(at::kFloat).view({2, 3});

Strings paths(const std::vector<NamedVariable>& named) {
  Strings result;
  for (const NamedVariable& entry : named) result.push_back(entry.path);
  return result;
}
Strings paths(const std::vector<Variable>& variables) {
  Strings result;
  for (const Variable& variable : variables) result.push_back(variable.path());
  return result;
}

const Strings kBuilt = {
    "trunk/layers/0/w", "trunk/layers/0/b", "trunk/layers/1/w",
    "trunk/layers/1/b", "average/counter",  "average/hidden",
    "average/average",  "head/w",           "head/b"};
const Strings kTrained = {"trunk/layers/0/w", "trunk/layers/0/b",
                          "trunk/layers/1/w", "trunk/layers/1/b",
                          "head/w",           "head/b"};

TEST(NamedVariables, AreBuiltAndInTheOrderOfDeclaration) {
  const Net net;
  net(kInput);
  const auto named = named_variables(net);
  EXPECT_EQ(paths(named), kBuilt);
  EXPECT_EQ(named[0].path, "trunk/layers/0/w");
  EXPECT_EQ(named[0].variable, net.trunk.layers[0].w);
  EXPECT_EQ(named[3].variable, net.trunk.layers[1].b);
  EXPECT_EQ(named.back().variable, net.head.b);
  EXPECT_EQ(paths(variables(net)), paths(named));
}

TEST(NamedVariables, TeachTheVariablesTheirPaths) {
  const Net net;
  net(kInput);
  EXPECT_EQ(net.head.w.path(), "");
  variables(net);
  EXPECT_EQ(net.head.w.path(), "head/w");
  EXPECT_EQ(net.trunk.layers[1].w.name(), "net/trunk/linear_1/w");
  // Those that no call has made know theirs too.
  EXPECT_EQ(net.extra.w.path(), "extra/w");
}

TEST(NamedVariables, ASharedOneIsListedOnceAtItsFirstPath) {
  struct Tied {
    Linear encoder{3};
    Linear again = encoder;
    std::shared_ptr<Linear> pointer = std::make_shared<Linear>(encoder);
    Linear other{3};
  };
  const Tied tied;
  tied.again(kInput);
  tied.other(kInput);
  EXPECT_EQ(paths(named_variables(tied)),
            (Strings{"encoder/w", "encoder/b", "other/w", "other/b"}));
  EXPECT_EQ(tied.again.w.path(), "encoder/w");
  EXPECT_EQ(trainable_variables(tied).size(), 4u);
}

// sonnet/src/base.py, NO_VARIABLES_ERROR, with C++ in place of Python.
TEST(Variables, SonnetsErrorWhenThereAreNoneYet) {
  const char* expected =
      R"(Linear(output_size=3) does not currently contain any variables.

Most Sonnet modules create variables the first time they are called with an
input and requesting variables before this typically indicates a coding error.

You should refactor your code such that you request module variables after you
pass an example input to the module. For example:

    auto module = Linear(output_size=3);
    auto output = module(input);
    auto params = snt::variables(module);

or call snt::build(module, input) first. If the module is stateless consider using
`snt::allow_empty_variables(module)` to suppress this error:

    auto params = snt::variables(snt::allow_empty_variables(module));
)";
  EXPECT_STREQ(message_of([] { variables(Linear{3}); }).c_str(), expected);
  EXPECT_STREQ(message_of([] { named_variables(Linear{3}); }).c_str(),
               expected);
  EXPECT_TRUE(message_of([] { trainable_variables(Linear{3}); })
                  .starts_with("Linear(output_size=3) does not currently "
                               "contain any trainable_variables.\n"));
}

TEST(Variables, AnEmptyResultMayBeAllowed) {
  const Flatten flatten;
  EXPECT_THROW(variables(flatten), ValueError);
  EXPECT_TRUE(variables(allow_empty_variables(flatten)).empty());
  EXPECT_TRUE(trainable_variables(allow_empty_variables(flatten)).empty());
  EXPECT_TRUE(named_variables(flatten, {.allow_empty = true}).empty());
  EXPECT_TRUE(variables(Stateless()).empty());
  EXPECT_TRUE(variables(allow_empty_variables(Linear{3})).empty());
}

TEST(TrainableVariables, LeaveStateOut) {
  const Net net;
  net(kInput, /*use_extra=*/true);
  Strings expected = kTrained;
  expected.insert(expected.end(), {"extra/w", "extra/b"});
  EXPECT_EQ(paths(trainable_variables(net)), expected);
}

// Nothing is left out of training unnoticed.
TEST(TrainableVariables, SayWhatNoCallHasMade) {
  const Net net;
  net(kInput);
  EXPECT_STREQ(message_of([&] { trainable_variables(net); }).c_str(),
               "[trainable_variables] Net() has variables that no call has "
               "created, so they would not be trained: extra/w, extra/b. Call "
               "the module with an example input, or pass {.allow_unbuilt = "
               "true}.");
  EXPECT_EQ(paths(trainable_variables(net, {.allow_unbuilt = true})), kTrained);
  freeze(net.extra);
  EXPECT_EQ(paths(trainable_variables(net)), kTrained);
}

TEST(TrainableVariables, WhatACallDoesNotUseIsNotMissed) {
  const Linear linear{.output_size = 3, .with_bias = false};
  linear(kInput);
  EXPECT_EQ(paths(trainable_variables(linear)), Strings{"w"});
}

TEST(Submodules, InOrderWithoutTheModuleItself) {
  const Net net;
  Strings found;
  for (const ModuleRef& module : submodules(net)) {
    found.push_back(module.path + ":" + module.class_name);
  }
  EXPECT_EQ(found, (Strings{"trunk:MLP", "trunk/layers/0:Linear",
                            "trunk/layers/1:Linear",
                            "average:ExponentialMovingAverage", "head:Linear",
                            "extra:Linear"}));
  EXPECT_EQ(submodules(net)[4].get_if<Linear>(), &net.head);
  EXPECT_TRUE(submodules(Linear{3}).empty());
}

TEST(Submodules, EachObjectOnce) {
  struct Inner {
    Linear linear{3};  // At the address of Inner: told apart by type.
  };
  struct Holder {
    Linear copy{3};
    Linear of_it = copy;  // Another object.
    std::shared_ptr<Inner> a = std::make_shared<Inner>();
    std::shared_ptr<Inner> b = a;
  } holder;
  Strings found;
  for (const ModuleRef& module : submodules(holder)) {
    found.push_back(module.path);
  }
  EXPECT_EQ(found, (Strings{"copy", "of_it", "a", "a/linear"}));
}

TEST(Select, FindsByPathBuiltOrNot) {
  const Net net;
  EXPECT_EQ(
      paths(select(net, "**/w")),
      (Strings{"trunk/layers/0/w", "trunk/layers/1/w", "head/w", "extra/w"}));
  EXPECT_EQ(paths(select(net, "trunk/layers/?/b")),
            (Strings{"trunk/layers/0/b", "trunk/layers/1/b"}));
  EXPECT_EQ(paths(select(net, "extra/**")), (Strings{"extra/w", "extra/b"}));
}

TEST(Select, MatchingNothingIsAnErrorThatListsThePaths) {
  const Linear linear{3};
  EXPECT_STREQ(message_of([&] { select(linear, "W"); }).c_str(),
               "[select] no variable matches 'W'; there are: w, b");
  EXPECT_THROW(freeze(linear, "x/*"), ValueError);
  EXPECT_THROW(unfreeze(linear, "x/*"), ValueError);
}

// A shared variable is found at each of its paths.
TEST(Select, KnowsLaterPathsOfASharedOne) {
  struct Tied {
    Linear a{3};
    Linear b = a;
  } tied;
  EXPECT_EQ(select(tied, "b/w"), (std::vector<Variable>{tied.a.w}));
  EXPECT_EQ(select(tied, "*/w").size(), 1u);
}

TEST(Freeze, TakesVariablesOutOfTraining) {
  const Net net;
  net(kInput, /*use_extra=*/true);
  freeze(net, "trunk/**");
  EXPECT_EQ(paths(trainable_variables(net)),
            (Strings{"head/w", "head/b", "extra/w", "extra/b"}));
  EXPECT_FALSE(net.trunk(kInput).requires_grad());
  freeze(net);
  EXPECT_THROW(trainable_variables(net), ValueError);
  unfreeze(net, "head/b");
  EXPECT_EQ(paths(trainable_variables(net)), Strings{"head/b"});
  unfreeze(net);
  EXPECT_EQ(trainable_variables(net).size(), 8u);
  EXPECT_FALSE(net.average.average.trainable());
  EXPECT_FALSE(net.average.average.value().requires_grad());
}

TEST(To, MovesVariablesAndConstantsInPlace) {
  Net net;
  net(kInput);
  const Variable handle = net.head.w;
  const at::Tensor before = handle.value().detach().clone();
  to(net, at::kDouble);
  EXPECT_EQ(handle.dtype(), at::kDouble);
  EXPECT_TRUE(at::equal(handle.value(), before.to(at::kDouble)));
  EXPECT_EQ(net.table.dtype(), at::kDouble);
  EXPECT_EQ(net.average.hidden.dtype(), at::kDouble);
  EXPECT_EQ(net.average.counter.dtype(), at::kLong);
  EXPECT_EQ(net(kInput.to(at::kDouble)).dtype(), at::kDouble);
  EXPECT_TRUE(handle.value().requires_grad());

  to(net, at::Device(at::kCPU));
  EXPECT_EQ(handle.dtype(), at::kDouble);
  net.table = at::Tensor();
  EXPECT_NO_THROW(to(net, at::TensorOptions(at::kCPU).dtype(at::kFloat)));
  EXPECT_EQ(handle.dtype(), at::kFloat);
}

}  // namespace
}  // namespace snt::variables_test
