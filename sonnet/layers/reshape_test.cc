#include "sonnet/layers/reshape.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "sonnet/core/build.h"
#include "sonnet/core/clone.h"
#include "sonnet/core/errors.h"
#include "sonnet/core/options.h"
#include "sonnet/core/variables.h"
#include "sonnet/testing/expect_gradients.h"
#include "sonnet/testing/message_of.h"
#include "sonnet/testing/uneven.h"

namespace snt::reshape_test {
namespace {

using Sizes = std::vector<int64_t>;

struct Case {
  const char* name;
  Sizes x;
  Sizes output_shape;
  int64_t preserve_dims;
  Sizes y;
};

class ReshapeShapes : public testing::TestWithParam<Case> {};

TEST_P(ReshapeShapes, KeepsTheOrderOfAllValues) {
  const Case& param = GetParam();
  const Reshape module{.output_shape = param.output_shape,
                       .preserve_dims = param.preserve_dims};
  for (at::ScalarType dtype : {at::kFloat, at::kHalf, at::kLong, at::kBool}) {
    const at::Tensor x = (9 * uneven(param.x)).to(dtype);
    const at::Tensor y = module(x);
    EXPECT_EQ(y.sizes(), at::IntArrayRef(param.y));
    EXPECT_EQ(y.scalar_type(), dtype);
    EXPECT_TRUE(at::equal(y.flatten(), x.flatten()));
    EXPECT_TRUE(
        at::equal(snt::reshape(x, param.output_shape, param.preserve_dims), y));

    const Reshape back = module.reversed();
    EXPECT_TRUE(at::equal(back(y), x));
    EXPECT_TRUE(at::equal(back.reversed()(x), y));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Reshape, ReshapeShapes,
    testing::Values(
        Case{"EmptyBatch", {0, 6}, {2, -1}, 1, {0, 2, 3}},
        Case{"EmptyFeatures", {2, 0}, {-1}, 1, {2, 0}},
        Case{"EmptyFeaturesAndKnownSizes", {2, 0, 4}, {-1, 4}, 1, {2, 0, 4}},
        Case{"NothingAndUnknown", {2, 0, 4}, {-1, 0}, 1, {2, 0, 0}},
        Case{"EmptyBatchAndPreserve2", {2, 0, 6}, {-1, 3}, 2, {2, 0, 2, 3}},
        Case{"Ones", {1, 1}, {1, 1, 1}, 1, {1, 1, 1, 1}},
        Case{"Explicit", {2, 12}, {6, 2}, 1, {2, 6, 2}},
        Case{"NoDims", {3, 1}, {}, 1, {3}},
        Case{"NewDim", {3}, {1, -1}, 1, {3, 1, 1}},
        // The rows of spec S-01: [B, H, W, C, D] to (-1, D).
        Case{"Preserve1", {2, 3, 4, 5, 6}, {-1, 6}, 1, {2, 60, 6}},
        Case{"Preserve2", {2, 3, 4, 5, 6}, {-1, 6}, 2, {2, 3, 20, 6}},
        Case{"Preserve3", {2, 3, 4, 5, 6}, {-1, 6}, 3, {2, 3, 4, 5, 6}},
        Case{"Preserve4", {2, 3, 4, 5, 6}, {-1, 6}, 4, {2, 3, 4, 5, 1, 6}},
        Case{"PreserveAll", {2, 3}, {-1}, 2, {2, 3, 1}}),
    [](const auto& info) { return info.param.name; });

TEST(ReshapeTest, Options) {
  EXPECT_EQ(repr(Reshape{{-1, 4}}), "Reshape(output_shape=[-1, 4])");
  EXPECT_EQ(repr(Reshape{{6}, 2, "split"}),
            "Reshape(output_shape=[6], preserve_dims=2, name='split')");
  EXPECT_EQ(to_json(Reshape{{-1, 4}}),
            R"({"output_shape":[-1,4],"preserve_dims":1})");
  EXPECT_EQ(repr(from_json<Reshape>(R"({"output_shape": [2, -1]})")),
            "Reshape(output_shape=[2, -1])");
  EXPECT_EQ(repr(Flatten{}), "Flatten()");
  EXPECT_EQ(repr(Flatten{2, "flat"}), "Flatten(preserve_dims=2, name='flat')");
  EXPECT_EQ(to_json(Flatten{}), R"({"preserve_dims":1})");
}

TEST(ReshapeTest, IsAViewWherePossible) {
  const at::Tensor x = uneven({2, 6});
  EXPECT_TRUE((Reshape{{3, -1}}(x).is_alias_of(x)));
  const at::Tensor turned = uneven({3, 2, 4}).transpose(1, 2);
  EXPECT_TRUE(at::equal(Flatten{}(turned), turned.contiguous().view({3, 8})));
}

TEST(ReshapeTest, RemembersTheFirstShape) {
  const Reshape module{{-1}};
  module(at::ones({2, 3, 4}));
  module(at::ones({5, 2, 2}));
  EXPECT_EQ(module.reversed().output_shape.value, (Sizes{3, 4}));
  const Reshape copy = module;
  EXPECT_EQ(copy.reversed().output_shape.value, (Sizes{3, 4}));
  EXPECT_EQ(clone(module).reversed().output_shape.value, (Sizes{3, 4}));
  // A call that fails is not remembered.
  const Reshape other{{4}};
  EXPECT_THROW(other(at::ones({2, 3})), ValueError);
  EXPECT_THROW(other.reversed(), NotBuiltError);
}

TEST(ReshapeTest, NamesOfReversed) {
  const Reshape plain{{-1}};
  plain(at::ones({2, 3, 4}));
  EXPECT_EQ(repr(plain.reversed()),
            "Reshape(output_shape=[3, 4], name='reshape_reversed')");
  const Reshape named{{10, -1}, 2, "fold"};
  named(at::ones({2, 3, 5, 4}));
  EXPECT_EQ(repr(named.reversed()),
            "Reshape(output_shape=[5, 4], preserve_dims=2, "
            "name='fold_reversed')");
  EXPECT_EQ(named.reversed("back").name, "back");
  const Flatten flatten;
  flatten(at::ones({2, 3, 4}));
  EXPECT_EQ(repr(flatten.reversed()),
            "Reshape(output_shape=[3, 4], name='flatten_reversed')");
}

TEST(ReshapeTest, Gradients) {
  const at::Tensor x = uneven({2, 3, 4}).transpose(1, 2).contiguous();
  x.requires_grad_();
  expect_gradients([&] { return Reshape{{3, -1}}(x).square(); }, {x});
}

TEST(ReshapeTest, HoldsNoVariables) {
  const Reshape module{{-1}};
  EXPECT_TRUE(variables(allow_empty_variables(module)).empty());
  EXPECT_THROW(variables(Flatten{}), ValueError);
  EXPECT_EQ(build(module, Shape{-1, 3, 4}).sizes(), at::IntArrayRef({1, 12}));
}

struct FlattenCase {
  const char* name;
  Sizes x;
  int64_t preserve_dims;
  Sizes y;
};

class FlattenShapes : public testing::TestWithParam<FlattenCase> {};

TEST_P(FlattenShapes, KeepsTheOrderOfAllValues) {
  const FlattenCase& param = GetParam();
  const Flatten module{param.preserve_dims};
  const at::Tensor x = uneven(param.x);
  const at::Tensor y = module(x);
  EXPECT_EQ(y.sizes(), at::IntArrayRef(param.y));
  EXPECT_TRUE(at::equal(y.flatten(), x.flatten()));
  EXPECT_TRUE(at::equal(module.reversed()(y), x));
  if (param.preserve_dims == 1) {
    EXPECT_TRUE(at::equal(snt::flatten(x), y));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Flatten, FlattenShapes,
    testing::Values(FlattenCase{"EmptyFeatures", {1, 0}, 1, {1, 0}},
                    FlattenCase{"EmptyBatch", {0, 2, 3}, 1, {0, 6}},
                    FlattenCase{"Rank1", {3}, 1, {3, 1}},
                    FlattenCase{"Rank2", {2, 3}, 1, {2, 3}},
                    FlattenCase{"Rank4", {10, 2, 3, 4}, 1, {10, 24}},
                    FlattenCase{"Preserve2", {10, 2, 3, 4}, 2, {10, 2, 12}},
                    FlattenCase{"Preserve3", {10, 2, 3, 4}, 3, {10, 2, 3, 4}},
                    FlattenCase{
                        "PreserveAll", {10, 2, 3, 4}, 4, {10, 2, 3, 4, 1}}),
    [](const auto& info) { return info.param.name; });

TEST(ReshapeTest, Errors) {
  const at::Tensor x = at::ones({2, 3, 4});
  EXPECT_STREQ(message_of([&] {
                 Reshape{{-1}, 0}(x);
               }).c_str(),
               "[Reshape] Argument preserve_dims should be >= 1. Got 0");
  EXPECT_STREQ(
      message_of([] {
        from_json<Reshape>(R"({"output_shape": [-1], "preserve_dims": -1})");
      }).c_str(),
      "[Reshape] Argument preserve_dims should be >= 1. Got -1");
  EXPECT_STREQ(message_of([&] { Flatten{0}(x); }).c_str(),
               "[Flatten] Argument preserve_dims should be >= 1. Got 0");
  EXPECT_STREQ(message_of([&] { snt::reshape(x, {-1}, 0); }).c_str(),
               "[reshape] Argument preserve_dims should be >= 1. Got 0");
  EXPECT_STREQ(message_of([&] {
                 Reshape{{-1}, 4}(x);
               }).c_str(),
               "[Reshape] Input tensor has 3 dimensions, should have at least "
               "as many as preserve_dims=4");
  EXPECT_STREQ(message_of([] { snt::flatten(at::ones({})); }).c_str(),
               "[flatten] Input tensor has 0 dimensions, should have at least "
               "as many as preserve_dims=1");
  EXPECT_STREQ(message_of([&] {
                 Reshape{{4, 4}}(at::ones({8, 2, 7}));
               }).c_str(),
               "[Reshape] Input to reshape is a tensor with 112 values, but "
               "the requested shape has 128; got shape [8, 2, 7] for "
               "output_shape [4, 4]");
  EXPECT_STREQ(message_of([&] {
                 Reshape{{5, -1}}(x);
               }).c_str(),
               "[Reshape] Input to reshape is a tensor with 24 values, but the "
               "requested shape has 10 or a multiple; got shape [2, 3, 4] for "
               "output_shape [5, -1]");
  EXPECT_STREQ(message_of([&] {
                 Reshape{{-1, 0}}(x);
               }).c_str(),
               "[Reshape] Input to reshape is a tensor with 24 values, but the "
               "requested shape has 0 or a multiple; got shape [2, 3, 4] for "
               "output_shape [-1, 0]");
  EXPECT_STREQ(message_of([] {
                 Reshape{{-1, -2}}(at::ones({8, 3, 2}));
               }).c_str(),
               "[Reshape] Size 2 must be non-negative, not -2");
  EXPECT_STREQ(message_of([&] {
                 Reshape{{-1, -1}}(x);
               }).c_str(),
               "[Reshape] only one size of output_shape may be -1, got "
               "[-1, -1]");
  EXPECT_STREQ(
      message_of<NotBuiltError>([] { Reshape{{-1}}.reversed(); }).c_str(),
      "[Reshape] the input shape is known after the first call only: call the "
      "module once, or snt::build(module, inputs...)");
  EXPECT_THROW(Flatten{}.reversed(), NotBuiltError);
}

}  // namespace
}  // namespace snt::reshape_test
