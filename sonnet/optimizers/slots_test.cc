#include "sonnet/optimizers/slots.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <string>

#include "sonnet/core/clone.h"
#include "sonnet/core/errors.h"
#include "sonnet/core/variables.h"

namespace snt::optimizers::slots_test {
namespace {

struct Holder {
  std::string name = {};

  Slots m = Slots();
  Slots v = Slots("square");
};

struct Trainer {
  std::vector<Variable> model = {};
  Holder holder = {};
};

Variable named(const at::Tensor& value, const std::string& name) {
  Variable variable(value);
  variable.set_path(name, "net/" + name);
  return variable;
}

TEST(Slots, AreZerosLikeTheParameters) {
  const Variable w(at::ones({2, 3}, at::kDouble));
  const Variable b(at::ones({}, at::kHalf));
  const Slots slots;
  EXPECT_TRUE(slots.empty());
  slots.initialize({w, b});
  ASSERT_EQ(slots.size(), 2u);
  EXPECT_TRUE(at::equal(slots[0].value(), at::zeros({2, 3}, at::kDouble)));
  EXPECT_TRUE(at::equal(slots[1].value(), at::zeros({}, at::kHalf)));
  for (const Variable& slot : slots) {
    EXPECT_FALSE(slot.trainable());
    EXPECT_FALSE(slot.value().requires_grad());
  }
}

TEST(Slots, AreFoundByIdentity) {
  const Variable a(at::ones({2}));
  const Variable b(at::ones({2}));
  const Slots slots;
  EXPECT_EQ(slots.find(a), 0u);
  slots.initialize({a, b, a});
  ASSERT_EQ(slots.size(), 2u);
  for (size_t hint = 0; hint < 4; ++hint) {
    EXPECT_EQ(slots.find(a, hint), 0u);
    EXPECT_EQ(slots.find(b, hint), 1u);
    EXPECT_EQ(slots.find(a.clone(), hint), 2u);
  }
}

TEST(Slots, InitializeAddsOnlyWhatIsMissing) {
  const Variable a(at::ones({2}));
  const Variable b(at::ones({3}));
  const Slots slots;
  slots.initialize({b});
  slots[0].assign(at::ones({3}));
  slots.initialize({a, b});
  ASSERT_EQ(slots.size(), 2u);
  EXPECT_EQ(slots.parameters()[1], a);
  EXPECT_TRUE(at::equal(slots[0].value(), at::ones({3})));
  EXPECT_THROW(slots.initialize({Variable(at::ones({2})), Variable()}),
               NotBuiltError);
  EXPECT_EQ(slots.size(), 2u);
}

TEST(Slots, HaveThePathsOfPositionsAndTheNamesOfParameters) {
  Trainer trainer;
  trainer.model = {named(at::ones({2}), "w"), Variable(at::ones({3}))};
  trainer.holder.m.initialize(trainer.model);
  trainer.holder.v.initialize(trainer.model);
  std::vector<std::string> texts;
  for (const auto& [path, variable] : named_variables(trainer.holder)) {
    texts.push_back(path + " " + variable.name());
  }
  EXPECT_EQ(texts, (std::vector<std::string>{
                       "m/0 holder/m/net/w", "m/1 holder/m/1",
                       "v/0 holder/square/net/w", "v/1 holder/square/1"}));
  EXPECT_TRUE(submodules(trainer.holder).empty());
  EXPECT_EQ(variables(trainer).size(), 6u);
}

TEST(Slots, CopiesAreTheSameList) {
  const Variable w(at::ones({2}));
  Slots slots;
  const Slots copy = slots;
  slots.initialize({w});
  EXPECT_EQ(copy.size(), 1u);
  EXPECT_EQ(copy[0], slots[0]);
  const Slots moved = std::move(slots);
  EXPECT_EQ(slots.size(), 1u);  // NOLINT: a moved-from one stays valid.
}

TEST(Slots, ClonesAreAnotherListForTheSameParameters) {
  const Variable w(at::ones({2}));
  Holder holder;
  holder.m.initialize({w});
  const Holder deep = clone(holder);
  deep.m[0].assign(at::ones({2}));
  EXPECT_TRUE(at::equal(holder.m[0].value(), at::zeros({2})));
  EXPECT_EQ(deep.m.find(w), 0u);
  deep.m.initialize({Variable(at::ones({3}))});
  EXPECT_EQ(holder.m.size(), 1u);
}

TEST(Slots, ClonesWithTheirModelAreForTheClonedParameters) {
  Trainer trainer;
  trainer.model = {Variable(at::ones({2}))};
  trainer.holder.m.initialize(trainer.model);
  const Trainer deep = clone(trainer);
  EXPECT_EQ(deep.holder.m.find(deep.model[0]), 0u);
  EXPECT_EQ(deep.holder.m.find(trainer.model[0]), 1u);
}

}  // namespace
}  // namespace snt::optimizers::slots_test
