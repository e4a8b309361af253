#include "sonnet/core/variable.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <type_traits>
#include <unordered_set>
#include <utility>

#include "sonnet/core/errors.h"
#include "sonnet/testing/message_of.h"

namespace snt::variable_test {
namespace {

const Initializer kOnes = [](at::IntArrayRef shape, at::ScalarType dtype) {
  return at::ones(shape, dtype);
};

std::string printed(const Variable& variable) {
  std::ostringstream out;
  out << variable;
  return out.str();
}

TEST(Variable, IsEmptyAtFirst) {
  const Variable w;
  EXPECT_FALSE(w.is_built());
  EXPECT_FALSE(w.is_omitted());
  EXPECT_TRUE(w.trainable());
  EXPECT_EQ(w.path(), "");
  EXPECT_EQ(w.name(), "");
}

TEST(Variable, SaysThatItIsNotBuilt) {
  const Variable w;
  EXPECT_STREQ(message_of<NotBuiltError>([&] { w.value(); }).c_str(),
               "[Variable] cannot be read before the first call: call the "
               "module once, or snt::build(module, inputs...)");
  w.set_path("body/w", "net/body/w");
  EXPECT_STREQ(
      message_of<NotBuiltError>([&] { w.assign(at::ones({1})); }).c_str(),
      "[Variable body/w] cannot be assigned before the first call: call the "
      "module once, or snt::build(module, inputs...)");
  EXPECT_THROW(w.shape(), NotBuiltError);
  EXPECT_THROW(w.dtype(), NotBuiltError);
  EXPECT_THROW(w.device(), NotBuiltError);
  EXPECT_THROW(w.assign(1.0), NotBuiltError);
  EXPECT_THROW(w.assign_add(at::ones({1})), NotBuiltError);
  EXPECT_THROW(w.assign_add(1.0), NotBuiltError);
  EXPECT_THROW(w.assign_sub(at::ones({1})), NotBuiltError);
}

TEST(Variable, MayBeFilledAtOnceWithACopy) {
  at::Tensor source = at::arange(6).to(at::kFloat).view({2, 3}).t();
  const Variable w(source);
  source.zero_();
  EXPECT_TRUE(w.is_built());
  EXPECT_TRUE(w.trainable());
  EXPECT_TRUE(w.value().requires_grad());
  EXPECT_TRUE(w.value().is_contiguous());
  EXPECT_EQ(w.value().sum().item<float>(), 15.0f);
  EXPECT_EQ(w.shape(), (at::IntArrayRef{3, 2}));

  const Variable kept(at::ones({2}), /*trainable=*/false);
  EXPECT_FALSE(kept.trainable());
  EXPECT_FALSE(kept.value().requires_grad());
  // Whole numbers cannot have gradients.
  EXPECT_FALSE(Variable(at::ones({2}, at::kLong)).value().requires_grad());
  const at::Tensor graph = at::ones({2}).requires_grad_() * 3;
  EXPECT_TRUE(Variable(graph).value().is_leaf());
}

TEST(Variable, StateIsNeverTrained) {
  const Variable average = Variable::state();
  EXPECT_FALSE(average.is_built());
  EXPECT_FALSE(average.trainable());
  EXPECT_FALSE(average.create({2}, at::kFloat, kOnes).requires_grad());
  average.freeze(false);
  EXPECT_FALSE(average.trainable());
  EXPECT_FALSE(average.value().requires_grad());
}

TEST(Variable, ACounterIsZero) {
  const Variable counter = Variable::counter();
  EXPECT_EQ(counter.dtype(), at::kLong);
  EXPECT_EQ(counter.shape().size(), 0u);
  EXPECT_EQ(counter.value().item<int64_t>(), 0);
  EXPECT_FALSE(counter.trainable());
  counter.assign_add(2);
  counter.assign_add(1);
  EXPECT_EQ(counter.value().item<int64_t>(), 3);
  counter.assign(7);
  EXPECT_EQ(counter.value().item<int64_t>(), 7);
  EXPECT_EQ(counter.dtype(), at::kLong);
}

TEST(Variable, IsDeclaredTrainableBeforeTheFirstCall) {
  const Variable w;
  w.declare_trainable(false);
  EXPECT_FALSE(w.trainable());
  EXPECT_FALSE(w.create({2}, at::kFloat, kOnes).requires_grad());
  w.declare_trainable(true);  // Too late.
  EXPECT_FALSE(w.trainable());
}

TEST(Variable, IsOmittedUntilItIsBuilt) {
  const Variable b;
  b.omit();
  EXPECT_TRUE(b.is_omitted());
  b.create({2}, at::kFloat, kOnes);
  EXPECT_FALSE(b.is_omitted());
}

TEST(Assign, ChangesTheElementsInPlace) {
  const Variable w(at::zeros({2, 3}));
  const at::Tensor handle = w.value();
  const at::Tensor value = at::arange(6).to(at::kFloat).view({3, 2}).t();
  w.assign(value);
  EXPECT_TRUE(handle.is_same(w.value()));
  EXPECT_TRUE(at::equal(handle, value));
  EXPECT_TRUE(w.value().requires_grad());
  EXPECT_TRUE(w.value().is_leaf());
  EXPECT_FALSE(w.value().is_alias_of(value));
  w.assign(at::full({1}, 4.0f).expand({2, 3}));
  EXPECT_EQ(handle.sum().item<float>(), 24.0f);
  w.assign(w.value());
  EXPECT_EQ(handle.sum().item<float>(), 24.0f);
}

TEST(Assign, RecordsNoGradient) {
  const Variable w(at::zeros({2}));
  const at::Tensor source = at::ones({2}).requires_grad_();
  w.assign(source * 3);
  EXPECT_TRUE(w.value().is_leaf());
  w.value().sum().backward();
  EXPECT_FALSE(source.grad().defined());
}

TEST(Assign, BetweenForwardAndBackwardIsAnError) {
  const Variable w(at::ones({2}));
  const at::Tensor loss = (w.value() * w.value()).sum();
  w.assign(at::zeros({2}));
  EXPECT_THROW(loss.backward(), c10::Error);
}

TEST(Assign, SaysInSonnetsWordsWhatDoesNotFit) {
  const Variable w(at::ones({3, 4}));
  w.set_path("body/w", "net/body/w");
  EXPECT_STREQ(
      message_of([&] { w.assign(at::zeros({3})); }).c_str(),
      "[Variable body/w] Cannot assign value to variable 'body/w': Shape "
      "mismatch. The variable shape (3, 4), and the assigned value shape (3,) "
      "are incompatible.");
  EXPECT_STREQ(
      message_of([&] { w.assign(0.0); }).c_str(),
      "[Variable body/w] Cannot assign value to variable 'body/w': Shape "
      "mismatch. The variable shape (3, 4), and the assigned value shape () "
      "are incompatible.");
  EXPECT_STREQ(
      message_of([&] {
        w.assign(at::zeros({3, 4}, at::kDouble));
      }).c_str(),
      "[Variable body/w] Tensor conversion requested dtype float32 for Tensor "
      "with dtype float64");
  EXPECT_EQ(w.value().sum().item<float>(), 12.0f);
  EXPECT_STREQ(
      message_of([] { Variable::counter().assign(at::ones({})); }).c_str(),
      "[Variable] Tensor conversion requested dtype int64 for Tensor with "
      "dtype float32");
}

TEST(Assign, ANumberForAVariableWithoutDimensions) {
  const Variable rate(at::scalar_tensor(0.5, at::kDouble));
  rate.assign(0.1);
  EXPECT_EQ(rate.value().item<double>(), 0.1);
  EXPECT_EQ(rate.dtype(), at::kDouble);
  EXPECT_STREQ(message_of([] { Variable::counter().assign(0.5); }).c_str(),
               "[Variable] Cannot convert 0.5 to dtype int64");
}

TEST(AssignAdd, AddsInPlace) {
  const Variable w(at::tensor({1.0f, 2.0f}));
  const at::Tensor handle = w.value();
  w.assign_add(at::tensor({10.0f, 20.0f}));
  EXPECT_TRUE(at::equal(handle, at::tensor({11.0f, 22.0f})));
  w.assign_sub(at::tensor({1.0f, -1.0f}));
  EXPECT_TRUE(at::equal(handle, at::tensor({10.0f, 23.0f})));
  w.assign_add(0.5);  // To every element.
  EXPECT_TRUE(at::equal(handle, at::tensor({10.5f, 23.5f})));
  w.assign_add(w.value());
  EXPECT_TRUE(at::equal(handle, at::tensor({21.0f, 47.0f})));
  EXPECT_TRUE(handle.requires_grad());
  EXPECT_TRUE(handle.is_leaf());
}

TEST(AssignAdd, ChecksShapeAndDtype) {
  const Variable w(at::ones({2}));
  w.set_path("w", "net/w");
  // Would broadcast.
  EXPECT_STREQ(message_of([&] { w.assign_add(at::ones({1})); }).c_str(),
               "[Variable w] delta must have shape [2], got [1]");
  EXPECT_STREQ(message_of([&] {
                 w.assign_sub(at::ones({2, 2}));
               }).c_str(),
               "[Variable w] delta must have shape [2], got [2, 2]");
  for (const at::ScalarType dtype : {at::kDouble, at::kLong, at::kHalf}) {
    EXPECT_EQ(message_of([&] { w.assign_add(at::ones({2}, dtype)); }),
              "[Variable w] Tensor conversion requested dtype float32 for "
              "Tensor with dtype " +
                  format(dtype));
  }
  EXPECT_STREQ(message_of([] { Variable::counter().assign_add(0.5); }).c_str(),
               "[Variable] Cannot convert 0.5 to dtype int64");
  EXPECT_EQ(w.value().sum().item<float>(), 2.0f);
}

TEST(Restore, WaitsForTheFirstCall) {
  const Variable w;
  at::Tensor value = at::tensor({3.0f, 4.0f});
  w.restore(at::ones({2}));
  w.restore(value);  // The last one counts.
  value.zero_();
  EXPECT_FALSE(w.is_built());
  const at::Tensor& created = w.create({2}, at::kFloat, kOnes);
  EXPECT_TRUE(at::equal(created, at::tensor({3.0f, 4.0f})));
  EXPECT_TRUE(created.requires_grad());
  w.restore(at::tensor({5.0f, 6.0f}));  // Now at once.
  EXPECT_TRUE(at::equal(w.value(), at::tensor({5.0f, 6.0f})));
}

TEST(Restore, TheFirstCallChecksTheShape) {
  const Variable w;
  w.restore(at::ones({2}));
  EXPECT_STREQ(message_of([&] { w.create({3}, at::kFloat, kOnes); }).c_str(),
               "[Variable] the value that was loaded has shape [2], but this "
               "call needs [3]");
  w.set_path("body/w", "net/body/w");
  EXPECT_STREQ(message_of([&] { w.create({3}, at::kFloat, kOnes); }).c_str(),
               "[Variable body/w] the value that was loaded has shape [2], but "
               "this call needs [3]");
}

TEST(Freeze, StopsTrainingUntilTakenBack) {
  for (const bool before : {true, false}) {
    const Variable w;
    if (before) w.freeze();
    w.create({2}, at::kFloat, kOnes);
    if (!before) w.freeze();
    EXPECT_FALSE(w.trainable());
    EXPECT_TRUE(w.declared_trainable());
    EXPECT_FALSE(w.value().requires_grad());
    w.freeze(false);
    EXPECT_TRUE(w.trainable());
    EXPECT_TRUE(w.value().requires_grad());
  }
}

TEST(To, ChangesFloatingDtypesInPlaceOfTheHandle) {
  const Variable w(at::tensor({0.5f, 1.5f}));
  const Variable copy = w;
  w.to(at::kDouble);
  EXPECT_EQ(copy.dtype(), at::kDouble);
  EXPECT_TRUE(at::equal(copy.value(), at::tensor({0.5, 1.5})));
  EXPECT_TRUE(copy.value().requires_grad());
  EXPECT_TRUE(copy.value().is_leaf());
  w.freeze();
  w.to(at::Device(at::kCPU));  // Says nothing about the dtype.
  EXPECT_EQ(w.dtype(), at::kDouble);
  EXPECT_FALSE(w.value().requires_grad());

  const Variable counter = Variable::counter();
  counter.to(at::kDouble);
  EXPECT_EQ(counter.dtype(), at::kLong);
  const Variable empty;
  empty.to(at::kDouble);
  EXPECT_EQ(empty.create({1}, at::kFloat, kOnes).dtype(), at::kFloat);
}

TEST(Identity, CopiesAreTheSameVariable) {
  const Variable a, b;
  const Variable copy = a;
  EXPECT_EQ(copy, a);
  EXPECT_NE(a, b);
  EXPECT_EQ(copy.id(), a.id());
  EXPECT_EQ(std::hash<Variable>()(a), std::hash<Variable>()(copy));
  copy.create({2}, at::kFloat, kOnes);
  EXPECT_TRUE(a.value().is_same(copy.value()));
  // Equal values are not enough.
  EXPECT_NE(Variable(at::ones({2})), Variable(at::ones({2})));
  const std::unordered_set<Variable> set = {a, copy, b, a};
  EXPECT_EQ(set.size(), 2u);
}

TEST(Identity, AMovedFromVariableStaysValid) {
  Variable a(at::ones({2}));
  const Variable b = std::move(a);
  EXPECT_EQ(a, b);  // NOLINT: that is the point.
  Variable c;
  c = std::move(a);
  EXPECT_EQ(a, c);  // NOLINT
}

TEST(Clone, IsANewVariableWithTheSameValue) {
  const Variable w(at::tensor({1.0f, 2.0f}));
  w.set_path("w", "net/w");
  w.freeze();
  const Variable copy = w.clone();
  EXPECT_NE(copy, w);
  EXPECT_FALSE(copy.trainable());
  EXPECT_TRUE(copy.declared_trainable());
  EXPECT_EQ(copy.name(), "net/w");
  copy.assign(at::zeros({2}));
  EXPECT_EQ(w.value().sum().item<float>(), 3.0f);

  const Variable waiting = Variable::state();
  waiting.restore(at::tensor({5.0f}));
  waiting.omit();
  const Variable waits = waiting.clone();
  EXPECT_TRUE(waits.is_omitted());
  EXPECT_FALSE(waits.trainable());
  EXPECT_EQ(waits.create({1}, at::kFloat, kOnes).item<float>(), 5.0f);
  EXPECT_FALSE(waiting.is_built());
}

TEST(Print, ShowsWhatIsKnown) {
  Variable w;
  EXPECT_EQ(printed(w), "Variable(not built, trainable=True)");
  w.create({3, 5}, at::kFloat, kOnes);
  EXPECT_EQ(printed(w),
            "Variable(shape=[3, 5], dtype=float32, trainable=True)");
  w.set_path("body/w", "net/body/w");
  w.freeze();
  EXPECT_EQ(printed(w),
            "Variable(body/w, shape=[3, 5], dtype=float32, trainable=False)");
  EXPECT_EQ(printed(Variable::counter()),
            "Variable(shape=[], dtype=int64, trainable=False)");
}

TEST(WhoComplains, IsTheModuleAroundTheVariable) {
  const Variable w;
  const Who who{"Linear", w};
  EXPECT_EQ(who(), "Linear");
  w.set_path("w", "linear/w");
  EXPECT_EQ(who(), "Linear");
  w.set_path("body/layers/0/w", "body/linear_0/w");
  EXPECT_EQ(who(), "Linear body/layers/0");
}

}  // namespace
}  // namespace snt::variable_test
