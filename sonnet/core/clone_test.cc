#include "sonnet/core/clone.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "sonnet/core/deferred.h"
#include "sonnet/core/layer.h"
#include "sonnet/core/once.h"
#include "sonnet/core/random.h"
#include "sonnet/core/remembered.h"
#include "sonnet/core/required.h"
#include "sonnet/core/variables.h"
#include "sonnet/layers/linear.h"
#include "sonnet/testing/message_of.h"

namespace snt::clone_test {
namespace {

using at::Tensor;

// A polymorphic base, as in code that has one already.
struct Base {
  virtual ~Base() = default;
  virtual void walk_(Walker& walker) = 0;
  virtual std::unique_ptr<Base> clone_(Cloner& cloner) const = 0;
  virtual Variable variable() const = 0;
};
struct Derived : Base {
  Variable v = Variable(at::full({2}, 3.0));
  void walk_(Walker& walker) override { snt::walk(v, walker); }
  std::unique_ptr<Base> clone_(Cloner& cloner) const override {
    auto copy = std::make_unique<Derived>();
    copy->v = deep_copy(v, cloner);
    return copy;
  }
  Variable variable() const override { return v; }
};

// Hides its fields, but shows them to walks.
class Private {
 public:
  template <class F>
  void visit_fields(F&& f) {
    f("v", v_);
  }
  Variable v_ = Variable(at::full({2}, 5.0));
};

// Variables in every place where a module may keep them.
struct Zoo {
  Required<int64_t> size;
  std::string name = {};

  Linear linear{3};
  std::vector<Linear> list = {Linear{4}, Linear{5}};
  std::array<Linear, 2> array = {Linear{6}, Linear{7}};
  std::map<std::string, Linear> by_name = {{"a", Linear{8}}};
  std::optional<Linear> maybe = Linear{9};
  std::optional<Linear> never = {};
  std::variant<int, Linear> either = Linear{10};
  std::tuple<int, Linear> tuple = {1, Linear{11}};
  Layer layer = Linear{12};
  std::shared_ptr<Linear> shared = std::make_shared<Linear>(Linear{13});
  std::shared_ptr<const Linear> constant =
      std::make_shared<const Linear>(Linear{14});
  std::unique_ptr<Linear> unique = std::make_unique<Linear>(Linear{15});
  std::shared_ptr<Base> polymorphic = std::make_shared<Derived>();
  Private hidden = {};
  Deferred deferred{[] { return Linear{16}; }};
  Variable state = Variable::state();
  Tensor plain = at::full({2}, 7.0);

  void operator()(const Tensor& x) const {
    linear(x);
    for (const Linear& each : list) each(x);
    for (const Linear& each : array) each(x);
    by_name.at("a")(x);
    (*maybe)(x);
    std::get<Linear>(either)(x);
    std::get<1>(tuple)(x);
    layer(x);
    (*shared)(x);
    (*constant)(x);
    (*unique)(x);
    deferred(x);
    state.create({2}, x, [](at::IntArrayRef shape, at::ScalarType dtype) {
      return at::ones(shape, dtype);
    });
  }
};

const Tensor x = at::ones({1, 2});

std::vector<Tensor> values(const std::vector<NamedVariable>& variables) {
  std::vector<Tensor> result;
  for (const auto& entry : variables) {
    result.push_back(entry.variable.value().detach().clone());
  }
  return result;
}

TEST(Clone, OfNothing) {
  struct Empty {};
  clone(Empty());
  EXPECT_FALSE(snt::clone(Tensor()).defined());
  EXPECT_TRUE(clone(std::vector<Linear>()).empty());
  EXPECT_EQ(clone(std::shared_ptr<Linear>()), nullptr);
  EXPECT_EQ(clone(std::unique_ptr<Linear>()), nullptr);
  EXPECT_FALSE(clone(std::optional<Linear>()).has_value());
  EXPECT_EQ(clone(std::string("text")), "text");
  EXPECT_EQ(clone(3), 3);
}

TEST(Clone, ReachesEverythingAndLeavesTheOriginalUntouched) {
  const Zoo zoo{.size = 1};
  zoo(x);
  const auto originals = named_variables(zoo);
  ASSERT_EQ(originals.size(), 2u * 14 + 3);
  const std::vector<Tensor> before = values(originals);

  const Zoo copy = clone(zoo);
  const auto copies = named_variables(copy);
  ASSERT_EQ(copies.size(), originals.size());
  for (size_t i = 0; i < copies.size(); ++i) {
    const Variable& a = originals[i].variable;
    const Variable& b = copies[i].variable;
    EXPECT_EQ(copies[i].path, originals[i].path);
    EXPECT_FALSE(a == b) << copies[i].path;
    EXPECT_FALSE(a.value().is_alias_of(b.value())) << copies[i].path;
    EXPECT_TRUE(at::equal(b.value(), before[i])) << copies[i].path;
    EXPECT_EQ(a.trainable(), b.trainable()) << copies[i].path;
    EXPECT_EQ(a.value().requires_grad(), b.value().requires_grad());
    EXPECT_TRUE(b.value().is_leaf());
    b.assign(at::full_like(b.value(), 99));
  }
  for (size_t i = 0; i < originals.size(); ++i) {
    EXPECT_TRUE(at::equal(originals[i].variable.value(), before[i]))
        << originals[i].path;
  }
  EXPECT_FALSE(copy.plain.is_alias_of(zoo.plain));
  EXPECT_TRUE(at::equal(copy.plain, zoo.plain));
  EXPECT_EQ(copy.size, 1);
  EXPECT_FALSE(copy.never.has_value());
}

TEST(Clone, KeepsWhatWasSharedShared) {
  struct Net {
    Linear first{3};
    Linear second = {3};
    std::shared_ptr<Linear> pointer = {};
    std::shared_ptr<Linear> again = {};
    Once once = {};
    Once same_once = {};
    Remembered<int> value = {};
    Remembered<int> same_value = {};
    Deferred deferred{[] { return Linear{2}; }};
    Deferred same_deferred{[] { return Linear{2}; }};
  };
  Net net;
  net.second = net.first;
  net.pointer = net.again = std::make_shared<Linear>(Linear{5});
  net.same_once = net.once;
  net.same_value = net.value;
  net.same_deferred = net.deferred;
  const Net copy = clone(net);
  EXPECT_EQ(copy.first.w, copy.second.w);
  EXPECT_FALSE(copy.first.w == net.first.w);
  EXPECT_EQ(copy.pointer, copy.again);
  EXPECT_NE(copy.pointer, net.pointer);
  copy.once([] {});
  EXPECT_TRUE(copy.same_once.done());
  EXPECT_FALSE(net.once.done());
  copy.value.set_once(3);
  EXPECT_EQ(copy.same_value.get("Net", "value"), 3);
  EXPECT_FALSE(net.value.is_set());
  copy.deferred(x);
  EXPECT_TRUE(copy.same_deferred.target.is_built());
  EXPECT_FALSE(net.deferred.target.is_built());
}

TEST(Clone, OfWhatIsNotBuiltIsNotBuilt) {
  const Linear linear{3};
  const Linear copy = clone(linear);
  copy(x);
  EXPECT_FALSE(linear.w.is_built());
  linear(at::ones({1, 5}));
  EXPECT_EQ(copy.input_size(), 2);
  EXPECT_EQ(linear.input_size(), 5);
}

TEST(Clone, TakesAlongWhatAVariableWas) {
  Linear linear{.output_size = 3, .with_bias = false};
  linear(x);
  linear.w.freeze();
  variables(linear);
  const Linear copy = clone(linear);
  EXPECT_FALSE(copy.w.trainable());
  EXPECT_TRUE(copy.w.declared_trainable());
  EXPECT_FALSE(copy.w.value().requires_grad());
  EXPECT_TRUE(copy.b.is_omitted());
  EXPECT_EQ(copy.w.path(), "w");
  unfreeze(copy);
  EXPECT_TRUE(copy.w.trainable());
  EXPECT_FALSE(linear.w.trainable());

  const Linear loading{3};
  loading.w.restore(at::full({2, 3}, 4.0));
  const Linear loaded = clone(loading);
  EXPECT_TRUE(at::equal(loaded(x), at::full({1, 3}, 8.0)));
}

TEST(Clone, DrawsNoRandomNumbers) {
  const auto second_model = [](bool with_clone) {
    snt::seed(1);
    const Linear linear{3};
    linear(x);
    if (with_clone) clone(linear);
    const Linear second{3};
    second(x);
    return second.w.value();
  };
  EXPECT_TRUE(at::equal(second_model(false), second_model(true)));
}

TEST(Clone, RefusesWhatHoldsItself) {
  struct Node {
    std::shared_ptr<Node> next = {};
    Variable v = {};
  };
  auto node = std::make_shared<Node>();
  node->next = node;
  EXPECT_EQ(message_of([&] { clone(node); }),
            "[clone] the module holds itself through a std::shared_ptr");
  node->next = nullptr;
}

TEST(Repeat, GivesModulesWithWeightsOfTheirOwn) {
  EXPECT_TRUE(repeat(0, Linear{3}).empty());
  snt::seed(1);
  const Linear original{3};
  const std::vector<Linear> layers = repeat(3, original);
  ASSERT_EQ(layers.size(), 3u);
  for (const Linear& layer : layers) layer(x);
  EXPECT_FALSE(original.w.is_built());
  EXPECT_FALSE(at::equal(layers[0].w.value(), layers[1].w.value()));
  EXPECT_FALSE(at::equal(layers[1].w.value(), layers[2].w.value()));
  EXPECT_EQ(message_of([] { repeat(-1, Linear{3}); }),
            "[repeat] n must be >= 0, got -1");
}

}  // namespace
}  // namespace snt::clone_test
