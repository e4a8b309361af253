#include "sonnet/optimizers/update.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <type_traits>

#include "sonnet/core/errors.h"
#include "sonnet/core/variables.h"
#include "sonnet/optimizers/all_optimizers_test.h"

namespace snt::optimizers::update_test {
namespace {

using testing::ThrowsMessage;

template <class T>
struct UpdateErrors : testing::Test {
  static constexpr bool has_slots = !std::is_same_v<T, SGD>;

  static std::string tagged(const std::string& text) {
    return "[" + std::string(reflect::class_name<T>()) + "] " + text;
  }

  // What `message` should be, and that nothing has changed.
  void expect_error(const std::vector<at::Tensor>& updates,
                    const std::vector<Variable>& parameters,
                    const std::string& text) {
    std::vector<at::Tensor> before;
    for (const Variable& p : parameters) before.push_back(p.value().clone());
    EXPECT_THAT([&] { optimizer.apply(updates, parameters); },
                ThrowsMessage<ValueError>(tagged(text)));
    for (size_t i = 0; i < parameters.size(); ++i) {
      EXPECT_TRUE(at::equal(parameters[i].value(), before[i]));
    }
  }

  T optimizer = make<T>(0.25);
  Variable w{at::ones({2})};
  Variable b{at::ones({3})};
};

TYPED_TEST_SUITE(UpdateErrors, AllOptimizers);

TYPED_TEST(UpdateErrors, RefuseListsOfDifferentLength) {
  this->expect_error(
      {at::ones({2})}, {this->w, this->b},
      "`updates` and `parameters` must be the same length. Got 1 and 2.");
  this->expect_error(
      {at::ones({2})}, {},
      "`updates` and `parameters` must be the same length. Got 1 and 0.");
}

TYPED_TEST(UpdateErrors, RefuseNoParameters) {
  this->expect_error({}, {}, "`parameters` cannot be empty.");
}

TYPED_TEST(UpdateErrors, RefuseNoUpdates) {
  this->expect_error({{}, {}}, {this->w, this->b},
                     "No updates provided for any parameter. All 2 are "
                     "undefined: does the loss depend on the parameters?");
}

TYPED_TEST(UpdateErrors, RefuseAnotherDtype) {
  this->b.set_path("b", "net/b");
  this->expect_error(
      {at::ones({2}), at::ones({3}, at::kDouble)}, {this->w, this->b},
      "DType of update Tensor(shape=[3], dtype=float64) is not equal to that "
      "of parameter Variable(net/b, shape=[3], dtype=float32)");
}

TYPED_TEST(UpdateErrors, RefuseAnotherShape) {
  this->expect_error(
      {at::ones({2}), at::ones({1})}, {this->w, this->b},
      "Shape of update Tensor(shape=[1], dtype=float32) is not equal to that "
      "of parameter Variable(shape=[3], dtype=float32)");
}

TYPED_TEST(UpdateErrors, RefuseAnotherDevice) {
  this->expect_error(
      {at::ones({2}), at::empty({3}, at::device(at::kMeta))},
      {this->w, this->b},
      "Device of update, meta, is not that of parameter Variable(shape=[3], "
      "dtype=float32), cpu");
}

TYPED_TEST(UpdateErrors, RefuseSparseElements) {
  const Variable matrix(at::ones({2, 3}));
  this->expect_error({at::ones({2, 3}).to_sparse()}, {matrix},
                     "a sparse update must have one sparse dimension (rows), "
                     "got Tensor(shape=[2, 3], dtype=float32)");
}

TYPED_TEST(UpdateErrors, RefuseAParameterWithoutAValue) {
  EXPECT_THROW(this->optimizer.apply({at::ones({2}), at::ones({3})},
                                     {this->w, Variable()}),
               NotBuiltError);
  EXPECT_TRUE(at::equal(this->w.value(), at::ones({2})));
}

TYPED_TEST(UpdateErrors, RefuseAnUnknownParameterUntilItIsInitialized) {
  if (!this->has_slots) return;  // SGD knows no parameters.
  this->optimizer.apply({at::ones({2})}, {this->w});
  this->expect_error(
      {at::ones({2}), at::ones({3})}, {this->w, this->b},
      "parameter 1, Variable(shape=[3], dtype=float32), is not one of the 1 "
      "that this optimizer knows: apply to all parameters at first, or call "
      "initialize(parameters)");
  this->optimizer.initialize({this->b});
  this->optimizer.apply({at::ones({2}), at::ones({3})}, {this->w, this->b});
  EXPECT_FALSE(at::equal(this->b.value(), at::ones({3})));
}

TYPED_TEST(UpdateErrors, RefuseAParameterGivenTwice) {
  if (!this->has_slots) return;  // SGD knows no parameters.
  this->expect_error(
      {at::ones({2}), at::ones({2})}, {this->w, this->w},
      "parameter 1, Variable(shape=[2], dtype=float32), is given twice");
}

TYPED_TEST(UpdateErrors, RefuseAModelThatMovedWithoutThem) {
  if (!this->has_slots) return;  // SGD has no state.
  this->optimizer.apply({at::ones({2})}, {this->w});
  this->w.to(at::kDouble);
  this->expect_error(
      {at::ones({2}, at::kDouble)}, {this->w},
      "the state of parameter Variable(shape=[2], dtype=float64) on cpu is "
      "Variable(shape=[2], dtype=float32) on cpu: move the optimizer together "
      "with the model, by snt::to");
  snt::to(this->optimizer, at::kDouble);
  this->optimizer.apply({at::ones({2}, at::kDouble)}, {this->w});
}

}  // namespace
}  // namespace snt::optimizers::update_test
