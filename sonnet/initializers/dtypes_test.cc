#include "sonnet/initializers/dtypes.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "sonnet/core/errors.h"

namespace snt::initializers::detail::dtypes_test {
namespace {

using testing::ThrowsMessage;

// What `value` becomes when it is stored in `dtype`.
double stored(double value, at::ScalarType dtype) {
  return at::full({}, value, at::kDouble)
      .to(dtype)
      .to(at::kDouble)
      .item<double>();
}

// A number of the dtype that lies `steps` of its last place from `value`, for
// normal values.
double ulp(double value, int mantissa_bits) {
  return std::ldexp(1.0, std::ilogb(value) - mantissa_bits);
}

struct Format {
  const char* name;
  at::ScalarType dtype;
  int mantissa_bits;
};

class RoundingDtypesTest : public testing::TestWithParam<Format> {};

TEST_P(RoundingDtypesTest, NumbersOfTheDtypeStay) {
  const auto [name, dtype, bits] = GetParam();
  for (double value : {0.0, 1.0, -1.0, 0.5, 1.5, -384.0, 0.0009765625}) {
    EXPECT_EQ(largest_at_most(value, dtype), value);
    EXPECT_EQ(smallest_at_least(value, dtype), value);
  }
}

TEST_P(RoundingDtypesTest, OtherNumbersGoToTheirNeighbours) {
  const auto [name, dtype, bits] = GetParam();
  for (double value : {1.0, 1.25, 3.5, 1000.0, 1 / 1024.0}) {
    const double step = ulp(value, bits);
    // A quarter rounds down to nearest, three quarters up: both must not.
    for (double part : {0.25, 0.75}) {
      if (bits == 52) break;  // A double has no room between.
      const double between = value + part * step;
      EXPECT_EQ(largest_at_most(between, dtype), value) << name << part;
      EXPECT_EQ(smallest_at_least(between, dtype), value + step);
      EXPECT_EQ(largest_at_most(-between, dtype), -value - step);
      EXPECT_EQ(smallest_at_least(-between, dtype), -value);
      EXPECT_EQ(largest_below(between, dtype), value);
    }
  }
}

TEST_P(RoundingDtypesTest, BelowIsStrict) {
  const auto [name, dtype, bits] = GetParam();
  // Below a power of two the steps are half as large.
  EXPECT_EQ(largest_below(1.0, dtype), 1 - std::ldexp(1.0, -bits - 1));
  EXPECT_EQ(largest_below(1.5, dtype), 1.5 - std::ldexp(1.0, -bits));
  EXPECT_EQ(largest_below(-1.0, dtype), -1 - std::ldexp(1.0, -bits));
  const double smallest = largest_below(0.0, dtype);
  EXPECT_LT(smallest, 0);
  EXPECT_EQ(stored(smallest / 2, dtype),
            0);  // Ties go to even: nothing between.
}

INSTANTIATE_TEST_SUITE_P(Dtypes, RoundingDtypesTest,
                         testing::Values(Format{"float32", at::kFloat, 23},
                                         Format{"float64", at::kDouble, 52},
                                         Format{"float16", at::kHalf, 10},
                                         Format{"bfloat16", at::kBFloat16, 7}),
                         [](const auto& info) {
                           return std::string(info.param.name);
                         });

TEST(RoundingTest, NothingBecomesInfinite) {
  EXPECT_EQ(largest_at_most(1e6, at::kHalf), 65504);
  EXPECT_EQ(smallest_at_least(-1e6, at::kHalf), -65504);
  EXPECT_EQ(largest_at_most(1e300, at::kFloat),
            std::numeric_limits<float>::max());
}

TEST(RoundingTest, RoundInsideKeepsToTheBounds) {
  const at::Tensor values =
      at::tensor({-2.0, 0.25, 0.9999999, 3.0}, at::kDouble);
  const at::Tensor half =
      round_inside(values.clone(), -1, largest_below(1, at::kHalf), at::kHalf);
  EXPECT_EQ(half.scalar_type(), at::kHalf);
  EXPECT_TRUE(at::equal(
      half.to(at::kDouble),
      at::tensor({-1.0, 0.25, 1 - 1 / 2048.0, 1 - 1 / 2048.0}, at::kDouble)));
  // Nothing fits between the bounds: only rounded.
  EXPECT_TRUE(
      at::equal(round_inside(values.clone(), 1, 0.5, at::kDouble), values));
}

TEST(DtypesTest, DrawnDtype) {
  EXPECT_EQ(drawn_dtype(at::kDouble), at::kDouble);
  EXPECT_EQ(drawn_dtype(at::kFloat), at::kFloat);
  EXPECT_EQ(drawn_dtype(at::kHalf), at::kFloat);
  EXPECT_EQ(drawn_dtype(at::kBFloat16), at::kFloat);
}

TEST(DtypesTest, HoldsTheNumbersBetweenTheLimits) {
  struct Case {
    at::ScalarType dtype;
    double lowest;
    double highest;
  };
  for (const auto& [dtype, lowest, highest] :
       {Case{at::kByte, 0, 255}, Case{at::kChar, -128, 127},
        Case{at::kShort, -32768, 32767},
        Case{at::kInt, -2147483648.0, 2147483647.0}}) {
    check_holds(dtype, lowest, "X", "value");
    check_holds(dtype, highest, "X", "value");
    EXPECT_THROW(check_holds(dtype, lowest - 1, "X", "value"), TypeError);
    EXPECT_THROW(check_holds(dtype, highest + 1, "X", "value"), TypeError);
    EXPECT_THROW(check_holds(dtype, std::nan(""), "X", "value"), TypeError);
  }
  check_holds(at::kLong, -9223372036854775808.0, "X", "value");
  EXPECT_THROW(check_holds(at::kLong, 9223372036854775808.0, "X", "value"),
               TypeError);
  check_holds(at::kHalf, 0.1, "X", "value");  // Floating: rounding is fine.
}

TEST(DtypesTest, ErrorMessages) {
  EXPECT_THAT([] { check_holds(at::kInt, 0.5, "Constant", "value"); },
              ThrowsMessage<TypeError>(
                  "[Constant] value must be an integer that int32 holds, got "
                  "0.5"));
  EXPECT_THAT([] { check_matrix({4}, "Identity"); },
              ThrowsMessage<ValueError>(
                  "[Identity] The tensor to initialize must be at least "
                  "two-dimensional, got shape [4]"));
  EXPECT_THAT([] { check_numerical(at::kComplexFloat, "Zeros"); },
              ThrowsMessage<ValueError>(
                  "[Zeros] Expected integer or floating point type, got "
                  "<dtype: 'complex64'>"));
  EXPECT_THAT([] { check_floating(at::kComplexFloat, "Orthogonal"); },
              ThrowsMessage<ValueError>(
                  "[Orthogonal] Expected floating point type, got <dtype: "
                  "'complex64'>"));
}

}  // namespace
}  // namespace snt::initializers::detail::dtypes_test
