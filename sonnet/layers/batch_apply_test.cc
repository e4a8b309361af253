#include "sonnet/layers/batch_apply.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <tuple>
#include <vector>

#include "sonnet/core/activation.h"
#include "sonnet/core/build.h"
#include "sonnet/core/clone.h"
#include "sonnet/core/errors.h"
#include "sonnet/core/nest.h"
#include "sonnet/core/options.h"
#include "sonnet/core/variables.h"
#include "sonnet/layers/dropout.h"
#include "sonnet/layers/linear.h"
#include "sonnet/testing/expect_close.h"
#include "sonnet/testing/expect_gradients.h"
#include "sonnet/testing/message_of.h"
#include "sonnet/testing/uneven.h"

namespace snt::batch_apply_test {
namespace {

using Sizes = std::vector<int64_t>;

struct Net {
  BatchApply steps{Linear{3}};
};

struct Case {
  const char* name;
  Sizes x;
  int64_t num_dims;
  Sizes merged;
};

class BatchApplyShapes : public testing::TestWithParam<Case> {};

TEST_P(BatchApplyShapes, AppliesToEachEntry) {
  const Case& param = GetParam();
  const at::Tensor x = uneven(param.x);
  Sizes seen;
  const BatchApply steps{[&](const at::Tensor& t) {
                           seen = t.sizes().vec();
                           return std::tuple(t.cos(), t.flatten(1));
                         },
                         param.num_dims};
  const Nest nest(x);
  const Nest out = steps.call({&nest, 1});
  EXPECT_EQ(seen, param.merged);
  EXPECT_TRUE(at::equal(out.at(0).tensor(), x.cos()));
  Sizes leading(param.x.begin(), param.x.begin() + param.num_dims);
  leading.push_back(out.at(1).tensor().size(-1));
  EXPECT_EQ(out.at(1).tensor().sizes(), at::IntArrayRef(leading));
  EXPECT_TRUE(at::equal(out.at(1).tensor().flatten(), x.flatten()));
}

INSTANTIATE_TEST_SUITE_P(
    BatchApply, BatchApplyShapes,
    testing::Values(Case{"EmptyTime", {0, 3, 4}, 2, {0, 4}},
                    Case{"EmptyBatch", {2, 0, 4}, 2, {0, 4}},
                    Case{"Ones", {1, 1, 1}, 2, {1, 1}},
                    Case{"OneDim", {2, 3}, 1, {2, 3}},
                    Case{"Usual", {2, 3, 4}, 2, {6, 4}},
                    Case{"ThreeDims", {2, 3, 4, 5}, 3, {24, 5}},
                    Case{"ManyFeatures", {2, 3, 4, 5, 6}, 2, {6, 4, 5, 6}}),
    [](const auto& info) { return info.param.name; });

// Step by step gives the same.
TEST(BatchApplyTest, IsTheModuleAtEachStep) {
  const Linear linear{5};
  const BatchApply steps{linear};
  const at::Tensor x = uneven({4, 2, 3});
  const at::Tensor y = steps(x);
  ASSERT_EQ(y.sizes(), at::IntArrayRef({4, 2, 5}));
  for (int64_t t = 0; t < 4; ++t) expect_close(y[t], linear(x[t]));
  EXPECT_EQ(steps.module.get_if<Linear>()->w, linear.w);
}

TEST(BatchApplyTest, Dtypes) {
  for (at::ScalarType dtype :
       {at::kFloat, at::kDouble, at::kHalf, at::kBFloat16, at::kLong}) {
    const at::Tensor x = (9 * uneven({4, 2, 3})).to(dtype);
    const at::Tensor y = BatchApply{activations::square}(x);
    EXPECT_EQ(y.scalar_type(), dtype);
    EXPECT_TRUE(at::equal(y, x.square()));
  }
}

// Tensors of lower rank and what is no tensor are passed on as they are; the
// result is split as the first tensor was.
TEST(BatchApplyTest, FurtherArguments) {
  const BatchApply sum{[](const at::Tensor& x, const at::Tensor& scale,
                          const at::Tensor& other, double factor) {
    EXPECT_EQ(x.sizes(), at::IntArrayRef({6, 4}));
    EXPECT_EQ(scale.sizes(), at::IntArrayRef({4}));
    EXPECT_EQ(other.sizes(), at::IntArrayRef({6, 1}));
    return x * scale + factor * other;
  }};
  const at::Tensor x = uneven({2, 3, 4});
  const at::Tensor scale = uneven({4}, at::kDouble, 1);
  const at::Tensor other = uneven({2, 3, 1}, at::kDouble, 2);
  expect_close(sum(x, scale, other, 3.0), x * scale + 3 * other);

  const BatchApply dropout{Dropout{0.5}};
  EXPECT_TRUE(at::equal(dropout(x, false), x));
}

TEST(BatchApplyTest, NestsInAndOut) {
  const BatchApply module{
      [](const std::tuple<at::Tensor, at::Tensor>& pair, bool negate)
          -> std::tuple<at::Tensor, std::optional<at::Tensor>, int64_t> {
        const at::Tensor sum = std::get<0>(pair) + std::get<1>(pair);
        return {negate ? -sum : sum, std::nullopt, sum.size(0)};
      }};
  const at::Tensor a = uneven({2, 3, 4});
  const at::Tensor b = uneven({2, 3, 4}, at::kDouble, 1);
  const std::vector<Nest> args = {Nest::List{a, b}, true};
  const Nest out = module.call(args);
  EXPECT_TRUE(at::equal(out.at(0).tensor(), -(a + b)));
  EXPECT_TRUE(out.at(1).is_none());
  EXPECT_EQ(*out.at(2).get_if<int64_t>(), 6);
}

// What comes first and is no tensor is not what the result is split like.
TEST(BatchApplyTest, TheFirstTensorCounts) {
  const BatchApply module{[](int64_t n, const at::Tensor& x) { return n * x; }};
  const at::Tensor x = uneven({2, 3, 4});
  const std::vector<Nest> args = {3, x};
  EXPECT_TRUE(at::equal(module.call(args).tensor(), 3 * x));

  const BatchApply second{
      [](const at::Tensor&, const at::Tensor& y) { return y; }};
  const at::Tensor turned = uneven({3, 2, 5});
  EXPECT_TRUE(at::equal(second(x, turned), turned.view({2, 3, 5})));
}

TEST(BatchApplyTest, Options) {
  EXPECT_EQ(repr(BatchApply{Linear{4}}),
            "BatchApply(module=Linear(output_size=4))");
  EXPECT_EQ(repr(BatchApply{activations::tanh, 3, "steps"}),
            "BatchApply(module=tanh, num_dims=3, name='steps')");
  EXPECT_EQ(to_json(BatchApply{activations::tanh}),
            R"({"module":"tanh","num_dims":2})");
  const BatchApply module{Linear{4}, 3};
  EXPECT_EQ(to_json(from_json<BatchApply>(to_json(module))), to_json(module));
}

TEST(BatchApplyTest, Gradients) {
  const BatchApply steps{Linear{2}};
  const at::Tensor x = uneven({2, 2, 3}).requires_grad_();
  steps(x);
  const std::vector<Variable> parameters = trainable_variables(steps);
  expect_gradients([&] { return steps(x); },
                   {x, parameters[0].value(), parameters[1].value()});
}

TEST(BatchApplyTest, CopiesShareAndClonesDoNot) {
  const BatchApply steps{Linear{2}};
  const at::Tensor x = uneven({2, 2, 3});
  const BatchApply copy = steps;
  const BatchApply other = clone(steps);
  const at::Tensor y = steps(x);
  EXPECT_TRUE(at::equal(copy(x), y));
  EXPECT_FALSE(at::allclose(other(x), y));
}

TEST(BatchApplyTest, Errors) {
  const at::Tensor x = at::ones({2, 3, 4});
  const BatchApply steps{activations::tanh};
  EXPECT_STREQ(message_of([&] { steps.call({}); }).c_str(),
               "[BatchApply] BatchApply requires at least one tensor input.");
  EXPECT_STREQ(message_of([&] {
                 BatchApply{activations::tanh, 0}(x);
               }).c_str(),
               "[BatchApply] num_dims must be >= 1, got 0");
  const BatchApply half{[](const at::Tensor& t) { return t.slice(0, 0, 3); }};
  EXPECT_STREQ(message_of([&] { half(x); }).c_str(),
               "[split_leading_dim] the first dimension of x must be 6, the "
               "product of [2, 3], got shape [3, 4]");
  const BatchApply sum{[](const at::Tensor& t) { return t.sum(); }};
  EXPECT_STREQ(message_of([&] { sum(x); }).c_str(),
               "[split_leading_dim] x must have rank >= 1, got shape []");
  const Net net;
  build(net.steps, Shape{-1, -1, 4});
  named_variables(net);
  EXPECT_STREQ(message_of([&] {
                 net.steps(at::ones({2, 3, 5}));
               }).c_str(),
               "[Linear steps/module] the last dimension of x must be 4 as on "
               "the first call, got shape [6, 5]");
}

TEST(MergeLeadingDimsTest, Shapes) {
  const at::Tensor x = uneven({2, 3, 4, 5});
  EXPECT_EQ(merge_leading_dims(x).sizes(), at::IntArrayRef({6, 4, 5}));
  EXPECT_EQ(merge_leading_dims(x, 3).sizes(), at::IntArrayRef({24, 5}));
  EXPECT_EQ(merge_leading_dims(x, 4).sizes(), at::IntArrayRef({120}));
  EXPECT_TRUE(merge_leading_dims(x, 5).is_same(x));
  EXPECT_TRUE(at::equal(merge_leading_dims(x, 1), x));
  EXPECT_TRUE(merge_leading_dims(at::ones({}), 2).dim() == 0);
  EXPECT_EQ(merge_leading_dims(at::ones({0, 3, 4})).sizes(),
            at::IntArrayRef({0, 4}));
}

TEST(SplitLeadingDimTest, UndoesAMerge) {
  for (int64_t n = 1; n <= 4; ++n) {
    const at::Tensor x = uneven({2, 3, 1, 5});
    EXPECT_TRUE(
        at::equal(split_leading_dim(merge_leading_dims(x, n), x, n), x));
  }
  const at::Tensor empty = at::ones({2, 0, 4});
  EXPECT_EQ(split_leading_dim(at::ones({0, 7}), empty).sizes(),
            at::IntArrayRef({2, 0, 7}));
}

// As Python's shape[:num_dims] does.
TEST(SplitLeadingDimTest, ExamplesOfLowerRank) {
  const at::Tensor x = uneven({5, 3});
  EXPECT_TRUE(at::equal(split_leading_dim(x, at::ones({5}), 2), x));
  EXPECT_STREQ(
      message_of([&] { split_leading_dim(x, at::ones({4}), 2); }).c_str(),
      "[split_leading_dim] the first dimension of x must be 4, the product of "
      "[4], got shape [5, 3]");
}

}  // namespace
}  // namespace snt::batch_apply_test
