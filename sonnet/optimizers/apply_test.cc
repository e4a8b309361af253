// What holds for the `apply` of every optimizer.

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <type_traits>
#include <vector>

#include "sonnet/core/clone.h"
#include "sonnet/core/random.h"
#include "sonnet/core/variables.h"
#include "sonnet/optimizers/all_optimizers_test.h"
#include "sonnet/optimizers/reference_test.h"
#include "sonnet/optimizers/schedules.h"

namespace snt::optimizers::apply_test {
namespace {

template <class T>
struct Apply : testing::Test {
  void steps(const T& with, const std::vector<Variable>& parameters,
             int64_t from, int64_t to) {
    for (int64_t step = from; step < to; ++step) {
      with.apply(Updates(step, at::kFloat).tensors, parameters);
    }
  }

  void expect_equal(const std::vector<Variable>& a,
                    const std::vector<Variable>& b) {
    ASSERT_EQ(a.size(), b.size());
    for (size_t i = 0; i < a.size(); ++i) {
      EXPECT_TRUE(at::equal(a[i].value(), b[i].value())) << i;
    }
  }

  T optimizer = make<T>(0.25);
  Variable w{at::ones({2})};
  Variable b{at::ones({3})};
};

TYPED_TEST_SUITE(Apply, AllOptimizers);

TYPED_TEST(Apply, ChangeParametersInPlace) {
  const void* storage = this->w.value().data_ptr();
  this->optimizer.apply({at::ones({2})}, {this->w});
  EXPECT_EQ(this->w.value().data_ptr(), storage);
  EXPECT_TRUE(this->w.value().is_leaf());
  EXPECT_TRUE(this->w.value().requires_grad());
  EXPECT_TRUE((this->w.value() < 1).all().template item<bool>());
}

TYPED_TEST(Apply, LeaveUpdatesAsTheyAre) {
  const Updates updates(0, at::kFloat);
  const Updates before(0, at::kFloat);
  this->optimizer.apply(updates.tensors, Updates::parameters(at::kFloat));
  for (size_t i = 0; i < updates.tensors.size(); ++i) {
    EXPECT_TRUE(
        at::equal(updates.tensors[i].to_dense(), before.tensors[i].to_dense()));
  }
}

TYPED_TEST(Apply, TakeEmptyParameters) {
  const Variable none(at::ones({0, 3}));
  this->optimizer.apply({at::ones({0, 3})}, {none});
  EXPECT_EQ(none.shape(), (at::IntArrayRef{0, 3}));
}

// Rows with all indices once are the same as a dense update.
TYPED_TEST(Apply, TakeAllRowsAsADenseUpdate) {
  const Variable dense(uneven({4, 3}, 7, at::kFloat));
  const Variable sparse(uneven({4, 3}, 7, at::kFloat));
  const auto a = make<TypeParam>(0.25);
  const auto b = make<TypeParam>(0.25);
  const at::Tensor order = at::tensor({2, 0, 3, 1}, at::kLong);
  for (int64_t step = 0; step < 3; ++step) {
    const at::Tensor g = uneven({4, 3}, step, at::kFloat);
    a.apply({g}, {dense});
    b.apply({at::sparse_coo_tensor(order.view({1, -1}),
                                   g.index_select(0, order), {4, 3})},
            {sparse});
  }
  EXPECT_TRUE(at::equal(dense.value(), sparse.value()));
}

TYPED_TEST(Apply, MatchParametersByIdentity) {
  const auto parameters = Updates::parameters(at::kFloat);
  const auto mixed = Updates::parameters(at::kFloat);
  const auto other = make<TypeParam>(0.25);
  for (int64_t step = 0; step < 4; ++step) {
    std::vector<at::Tensor> u = Updates(step, at::kFloat).tensors;
    if (step == 2) u[0] = u[3] = at::Tensor();
    this->optimizer.apply(u, parameters);
    if (step == 2) {
      other.apply({u[2], u[1]}, {mixed[2], mixed[1]});  // Some of them.
    } else if (step == 3) {
      other.apply({u[3], u[0], u[2], u[1]},
                  {mixed[3], mixed[0], mixed[2], mixed[1]});
    } else {
      other.apply(u, mixed);
    }
  }
  this->expect_equal(parameters, mixed);
}

TYPED_TEST(Apply, HaveVariablesNamedAsSonnets) {
  const std::map<std::string, std::vector<std::string>> expected{
      {"SGD", {}},
      {"Momentum", {"accumulated_momentum/0", "accumulated_momentum/1"}},
      {"RMSProp", {"mom/0", "mom/1", "ms/0", "ms/1"}},
      {"Adam", {"step", "m/0", "m/1", "v/0", "v/1"}}};
  this->optimizer.apply({at::ones({2}), at::Tensor()}, {this->w, this->b});
  std::vector<std::string> paths;
  for (const auto& [path, variable] : named_variables(this->optimizer)) {
    paths.push_back(path);
    EXPECT_FALSE(variable.trainable());
  }
  EXPECT_EQ(paths, expected.at(std::string(reflect::class_name<TypeParam>())));
  EXPECT_TRUE(
      trainable_variables(this->optimizer, {.allow_empty = true}).empty());
}

TYPED_TEST(Apply, ReadAVariableLearningRateAnew) {
  const Variable rate(at::scalar_tensor(0.25), false);
  this->optimizer.learning_rate = rate;
  const auto parameters = Updates::parameters(at::kFloat);
  this->steps(this->optimizer, parameters, 0, 2);
  rate.assign(0.0);
  const at::Tensor before = parameters[0].value().clone();
  if constexpr (!std::is_same_v<TypeParam, RMSProp>) {
    this->steps(this->optimizer, parameters, 2, 3);
    EXPECT_TRUE(at::equal(parameters[0].value(), before));
  }
  EXPECT_EQ(named_variables(this->optimizer)[0].path, "learning_rate");
}

TYPED_TEST(Apply, CountStepsForASchedule) {
  const schedules::Linear linear{.start = 0.5, .steps = 3};
  const auto scheduled = Updates::parameters(at::kFloat);
  const auto by_hand = Updates::parameters(at::kFloat);
  const auto a = make<TypeParam>(linear);
  for (int64_t step = 0; step < 5; ++step) {
    this->steps(a, scheduled, step, step + 1);
    this->optimizer.learning_rate = linear(step);
    this->steps(this->optimizer, by_hand, step, step + 1);
  }
  this->expect_equal(scheduled, by_hand);
  EXPECT_EQ(a.step.value().template item<int64_t>(), 5);
  EXPECT_EQ(a.step.dtype(), at::kLong);
  EXPECT_EQ(select(a, "step").size(), 1u);
  const bool counts = std::is_same_v<TypeParam, Adam>;
  EXPECT_EQ(this->optimizer.step.is_built(), counts);
}

// As a checkpoint is read: into what `initialize` has made.
TYPED_TEST(Apply, GoOnWhereTheyWereStopped) {
  const schedules::Linear linear{.start = 0.5, .steps = 6};
  const auto parameters = Updates::parameters(at::kFloat);
  const auto first = make<TypeParam>(linear);
  this->steps(first, parameters, 0, 3);

  std::vector<Variable> copies;
  for (const Variable& p : parameters) copies.push_back(p.clone());
  const auto second = make<TypeParam>(linear);
  second.initialize(copies);
  const auto saved = named_variables(first);
  const auto loaded = named_variables(second);
  ASSERT_EQ(saved.size(), loaded.size());
  for (size_t i = 0; i < saved.size(); ++i) {
    EXPECT_EQ(saved[i].path, loaded[i].path);
    loaded[i].variable.restore(saved[i].variable.value());
  }

  this->steps(first, parameters, 3, 5);
  this->steps(second, copies, 3, 5);
  this->expect_equal(parameters, copies);
}

TYPED_TEST(Apply, CopiesGoOnTogether) {
  const auto parameters = Updates::parameters(at::kFloat);
  const auto expected = Updates::parameters(at::kFloat);
  const auto one = make<TypeParam>(schedules::Linear{0.5, 4});
  const TypeParam copy = one;  // Before there are slots.
  const auto other = make<TypeParam>(schedules::Linear{0.5, 4});
  this->steps(one, parameters, 0, 1);
  this->steps(copy, parameters, 1, 2);
  this->steps(one, parameters, 2, 3);
  this->steps(other, expected, 0, 3);
  this->expect_equal(parameters, expected);
}

template <class T>
struct Trainer {
  std::vector<Variable> model;
  T optimizer;
};

TYPED_TEST(Apply, ClonesGoOnWithTheirModel) {
  const Trainer<TypeParam> trainer{Updates::parameters(at::kFloat),
                                   make<TypeParam>(0.25)};
  this->steps(trainer.optimizer, trainer.model, 0, 2);
  const Trainer<TypeParam> copy = snt::clone(trainer);
  this->steps(copy.optimizer, copy.model, 2, 4);
  EXPECT_FALSE(at::equal(copy.model[0].value(), trainer.model[0].value()));
  this->steps(trainer.optimizer, trainer.model, 2, 4);
  this->expect_equal(copy.model, trainer.model);
}

// A scope that owns the values it hands out: mixed precision, pure functions.
struct Substitute : snt::detail::ReadHook {
  Substitute() : outer(snt::detail::read_hook) {
    snt::detail::read_hook = this;
  }
  ~Substitute() override { snt::detail::read_hook = outer; }
  const at::Tensor& read(const Variable& variable,
                         const at::Tensor& value) override {
    return values.emplace(variable.id(), value).first->second;
  }
  bool assign(const Variable& variable, const at::Tensor& value) override {
    values[variable.id()] = value;
    return true;
  }
  snt::detail::ReadHook* outer;
  std::map<const void*, at::Tensor> values;
};

TYPED_TEST(Apply, GoThroughTheHookThatOwnsTheValues) {
  const auto parameters = Updates::parameters(at::kFloat);
  const auto hooked = Updates::parameters(at::kFloat);
  const auto other = make<TypeParam>(0.25);
  this->steps(this->optimizer, parameters, 0, 3);
  std::map<const void*, at::Tensor> values;
  {
    Substitute hook;
    this->steps(other, hooked, 0, 3);
    values = hook.values;
  }
  const auto untouched = Updates::parameters(at::kFloat);
  this->expect_equal(hooked, untouched);
  for (size_t i = 0; i < hooked.size(); ++i) {
    EXPECT_TRUE(at::equal(values.at(hooked[i].id()), parameters[i].value()));
  }
}

// A scope that converts each read, as mixed precision does.
struct Halve : Substitute {
  const at::Tensor& read(const Variable& variable,
                         const at::Tensor& value) override {
    return values[variable.id()] = value.to(at::kHalf);
  }
  const at::Tensor& source(const Variable&, const at::Tensor& value) override {
    return value;
  }
  bool assign(const Variable&, const at::Tensor&) override { return false; }
};

TYPED_TEST(Apply, GoPastAHookThatConvertsEachRead) {
  const auto parameters = Updates::parameters(at::kFloat);
  const auto hooked = Updates::parameters(at::kFloat);
  const auto other = make<TypeParam>(0.25);
  this->steps(this->optimizer, parameters, 0, 3);
  {
    const Halve hook;
    this->steps(other, hooked, 0, 3);
  }
  this->expect_equal(hooked, parameters);
}

TYPED_TEST(Apply, DrawNoRandomNumbers) {
  snt::seed(1);
  const at::Tensor expected = at::rand({3}, random::generator(), at::kFloat);
  snt::seed(1);
  const auto fresh = make<TypeParam>(0.25);
  fresh.apply({at::ones({2})}, {this->w});
  repr(fresh);
  EXPECT_TRUE(
      at::equal(at::rand({3}, random::generator(), at::kFloat), expected));
}

TYPED_TEST(Apply, PrintTheOptionsThatWereGiven) {
  const std::map<std::string, std::string> expected{
      {"SGD", "SGD(learning_rate=0.25)"},
      {"Momentum", "Momentum(learning_rate=0.25, momentum=0.5)"},
      {"RMSProp", "RMSProp(learning_rate=0.25)"},
      {"Adam", "Adam(learning_rate=0.25)"}};
  const std::string name(reflect::class_name<TypeParam>());
  EXPECT_EQ(repr(this->optimizer), expected.at(name));
  EXPECT_EQ(config_name<TypeParam>(), "optimizers." + name);
  const auto again = from_json<TypeParam>(to_json(this->optimizer));
  EXPECT_EQ(repr(again), repr(this->optimizer));
}

}  // namespace
}  // namespace snt::optimizers::apply_test
