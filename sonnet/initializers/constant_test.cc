#include "sonnet/initializers/constant.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "sonnet/core/errors.h"
#include "sonnet/core/format.h"
#include "sonnet/core/options.h"

namespace snt::initializers::constant_test {
namespace {

using testing::ThrowsMessage;
using Shape = std::vector<int64_t>;

const std::vector<Shape> kShapes = {
    {}, {1}, {5}, {0}, {3, 0}, {2, 3, 4}, {1, 2, 3, 2, 1}};
const std::vector<at::ScalarType> kDtypes = {
    at::kFloat, at::kDouble, at::kHalf, at::kBFloat16, at::kLong,
    at::kInt,   at::kShort,  at::kChar, at::kByte};

// That `got` has this shape and dtype and holds `value` everywhere.
void expect_filled(const at::Tensor& got, const Shape& shape,
                   at::ScalarType dtype, double value) {
  EXPECT_EQ(got.sizes(), at::IntArrayRef(shape));
  EXPECT_EQ(got.scalar_type(), dtype);
  EXPECT_TRUE(got.is_contiguous());
  EXPECT_TRUE(got.to(at::kDouble).eq(value).all().item<bool>()) << got;
}

TEST(ConstantTest, FillsEveryShapeAndDtype) {
  for (const Shape& shape : kShapes) {
    for (at::ScalarType dtype : kDtypes) {
      expect_filled(Zeros{}(shape, dtype), shape, dtype, 0);
      expect_filled(Ones{}(shape, dtype), shape, dtype, 1);
      expect_filled(Constant{7}(shape, dtype), shape, dtype, 7);
    }
  }
}

TEST(ConstantTest, DefaultDtypeIsFloat32) {
  EXPECT_EQ(Zeros{}({2}).scalar_type(), at::kFloat);
  EXPECT_EQ(Ones{}({2}).scalar_type(), at::kFloat);
  EXPECT_EQ(Constant{1.5}({2}).scalar_type(), at::kFloat);
  EXPECT_EQ(Identity{}({2, 2}).scalar_type(), at::kFloat);
}

TEST(ConstantTest, FractionsAndLimits) {
  expect_filled(Constant{-1.5}({2, 3}), {2, 3}, at::kFloat, -1.5);
  expect_filled(Constant{-1.5}({4}, at::kBFloat16), {4}, at::kBFloat16, -1.5);
  expect_filled(Constant{0.1}({2}, at::kDouble), {2}, at::kDouble, 0.1);
  expect_filled(Constant{0.1}({2}), {2}, at::kFloat, 0.1f);
  expect_filled(Constant{-128}({2}, at::kChar), {2}, at::kChar, -128);
}

// Twice the same shape and dtype are two tensors.
TEST(ConstantTest, SharesNothing) {
  const Ones ones;
  const at::Tensor first = ones({2});
  ones({2}).zero_();
  expect_filled(first, {2}, at::kFloat, 1);
}

TEST(IdentityTest, AgainstALoop) {
  for (const Shape& shape :
       {Shape{3, 4}, Shape{4, 3}, Shape{1, 1}, Shape{5, 5}, Shape{0, 3},
        Shape{2, 3, 2}, Shape{2, 1, 3, 4}, Shape{1, 2, 1, 2, 3}}) {
    for (at::ScalarType dtype : kDtypes) {
      const at::Tensor got = Identity{3}(shape, dtype);
      EXPECT_EQ(got.sizes(), at::IntArrayRef(shape));
      EXPECT_EQ(got.scalar_type(), dtype);
      EXPECT_TRUE(got.is_contiguous());
      const at::Tensor flat = got.to(at::kDouble).flatten();
      const int64_t columns = shape[shape.size() - 1];
      const int64_t rows = shape[shape.size() - 2];
      for (int64_t i = 0; i < flat.numel(); ++i) {
        const bool on_diagonal = i % columns == i / columns % rows;
        EXPECT_EQ(flat[i].item<double>(), on_diagonal ? 3 : 0)
            << format(at::IntArrayRef(shape)) << " at " << i;
      }
    }
  }
}

TEST(IdentityTest, Gain) {
  EXPECT_TRUE(at::equal(Identity{}({3, 4}), at::eye(3, 4)));
  EXPECT_TRUE(at::equal(Identity{2.5}({4, 2}, at::kDouble),
                        2.5 * at::eye(4, 2, at::kDouble)));
}

TEST(IdentityTest, KeepsAVector) {
  const at::Tensor x = at::arange(1, 5, at::kFloat);
  EXPECT_TRUE(at::equal(at::matmul(Identity{}({4, 4}), x), x));
}

TEST(ConstantTest, Errors) {
  EXPECT_THAT(
      [] {
        Zeros{}({2, 2}, at::kBool);
      },
      ThrowsMessage<ValueError>(
          "[Zeros] Expected integer or floating point type, got "
          "<dtype: 'bool'>"));
  EXPECT_THAT(
      [] {
        Ones{}({2, 2}, at::kBool);
      },
      ThrowsMessage<ValueError>(
          "[Ones] Expected integer or floating point type, got "
          "<dtype: 'bool'>"));
  EXPECT_THAT(
      [] {
        Constant{1}({2, 2}, at::kComplexDouble);
      },
      ThrowsMessage<ValueError>(
          "[Constant] Expected integer or floating point type, got "
          "<dtype: 'complex128'>"));
  EXPECT_THAT([] { Constant{300}({2}, at::kByte); },
              ThrowsMessage<TypeError>(
                  "[Constant] value must be an integer that uint8 holds, got "
                  "300.0"));
}

TEST(IdentityTest, Errors) {
  EXPECT_THAT(
      [] {
        Identity{}({2, 2}, at::kBool);
      },
      ThrowsMessage<ValueError>(
          "[Identity] Expected integer or floating point type, got "
          "<dtype: 'bool'>"));
  EXPECT_THAT([] { Identity{}({2}); },
              ThrowsMessage<ValueError>(
                  "[Identity] The tensor to initialize must be at least "
                  "two-dimensional, got shape [2]"));
  EXPECT_THAT([] { Identity{}({}); },
              ThrowsMessage<ValueError>(
                  "[Identity] The tensor to initialize must be at least "
                  "two-dimensional, got shape []"));
  EXPECT_THAT(
      [] {
        Identity{0.5}({2, 2}, at::kLong);
      },
      ThrowsMessage<TypeError>(
          "[Identity] gain must be an integer that int64 holds, got "
          "0.5"));
}

TEST(ConstantTest, PrintsAndStores) {
  EXPECT_EQ(repr(Zeros{}), "Zeros()");
  EXPECT_EQ(repr(Ones{}), "Ones()");
  EXPECT_EQ(repr(Constant{0.5}), "Constant(value=0.5)");
  EXPECT_EQ(repr(Identity{}), "Identity()");
  EXPECT_EQ(repr(Identity{.gain = 2}), "Identity(gain=2.0)");
  EXPECT_EQ(to_json(Zeros{}), "{}");
  EXPECT_EQ(from_json<Constant>(to_json(Constant{0.5})).value, 0.5);
  EXPECT_EQ(from_json<Constant>(R"({"value": 7})").value, 7.0);
  EXPECT_EQ(from_json<Identity>(to_json(Identity{2})).gain, 2);
  EXPECT_EQ(from_json<Identity>("{}").gain, 1);
  EXPECT_THROW(from_json<Constant>("{}"), ValueError);
  EXPECT_THROW(from_json<Constant>(R"({"value": [1.0, 2.0]})"), ValueError);
}

}  // namespace
}  // namespace snt::initializers::constant_test
