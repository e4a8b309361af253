#include "sonnet/core/format.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "sonnet/testing/message_of.h"

namespace snt::format_test {
namespace {

struct Number {
  double value;
  const char* text;  // What Python 3 prints.
};

class FormatDouble : public testing::TestWithParam<Number> {};

TEST_P(FormatDouble, PrintsAsPython) {
  EXPECT_EQ(format_double(GetParam().value), GetParam().text);
  EXPECT_EQ(format(GetParam().value), GetParam().text);
}

// python3 -c "for x in (0.0, -0.0, ...): print(repr(x))"
INSTANTIATE_TEST_SUITE_P(
    Edges, FormatDouble,
    testing::Values(Number{0.0, "0.0"}, Number{-0.0, "-0.0"},
                    Number{std::numeric_limits<double>::infinity(), "inf"},
                    Number{-std::numeric_limits<double>::infinity(), "-inf"},
                    Number{std::numeric_limits<double>::quiet_NaN(), "nan"},
                    Number{std::numeric_limits<double>::max(),
                           "1.7976931348623157e+308"},
                    Number{std::numeric_limits<double>::denorm_min(), "5e-324"},
                    Number{9999999999999998.0, "9999999999999998.0"},
                    Number{1e16, "1e+16"}, Number{-1.5e16, "-1.5e+16"},
                    Number{1e-4, "0.0001"},
                    Number{0.00012345678901234567, "0.00012345678901234567"},
                    Number{9.999e-5, "9.999e-05"}, Number{1e-5, "1e-05"},
                    Number{-1e-5, "-1e-05"}));
INSTANTIATE_TEST_SUITE_P(
    Usual, FormatDouble,
    testing::Values(
        Number{1.0, "1.0"}, Number{-3.0, "-3.0"}, Number{0.1, "0.1"},
        Number{0.1 + 0.2, "0.30000000000000004"}, Number{123456.5, "123456.5"},
        Number{1e15, "1000000000000000.0"}, Number{0.999, "0.999"}));

TEST(Format, ListsAreWrittenAsInPython) {
  EXPECT_EQ(format_list({}), "[]");
  EXPECT_EQ(format_list({7}), "[7]");
  EXPECT_EQ(format_list({2, -1, 3}), "[2, -1, 3]");
  EXPECT_EQ(format(at::ones({4, 1}).sizes()), "[4, 1]");
  EXPECT_EQ(format(std::vector<int64_t>{}), "[]");
  EXPECT_EQ(format(std::array<int64_t, 2>{3, 4}), "[3, 4]");
  EXPECT_EQ(format(std::vector<int>{3, 4}), "[3, 4]");
  EXPECT_EQ(format(std::vector<double>{0.5, 2}), "[0.5, 2.0]");
  EXPECT_EQ(format(std::vector<std::string>{"w", "b"}), "[w, b]");
  EXPECT_EQ(format(std::vector<std::vector<int64_t>>{{1}, {}, {2, 3}}),
            "[[1], [], [2, 3]]");
  EXPECT_EQ(format(std::set<int>{2, 1}), "[1, 2]");
}

TEST(Format, BooleansAreWordsAndNumbersAreNot) {
  EXPECT_EQ(format(true, false, 1, 0), "TrueFalse10");
  EXPECT_EQ(format(std::vector<bool>{true, false}), "[True, False]");
}

TEST(Format, IntegersOfAllSizes) {
  EXPECT_EQ(format(std::numeric_limits<int64_t>::min()),
            "-9223372036854775808");
  EXPECT_EQ(format(std::numeric_limits<uint64_t>::max()),
            "18446744073709551615");
  EXPECT_EQ(format(int8_t{-5}), "-5");
  EXPECT_EQ(format(uint8_t{65}), "65");
}

TEST(Format, TextStaysAsItIs) {
  EXPECT_EQ(format("a", std::string("b"), std::string_view("c"), ""), "abc");
  EXPECT_EQ(format(), "");
}

TEST(Format, AnUnsetOptionalIsNone) {
  EXPECT_EQ(format(std::optional<double>()), "None");
  EXPECT_EQ(format(std::optional<double>(2)), "2.0");
  EXPECT_EQ(format(std::optional(std::vector<int64_t>{2})), "[2]");
}

TEST(Format, DtypesAndDevices) {
  EXPECT_EQ(format(at::kFloat, " on ", at::Device(at::kCPU)), "float32 on cpu");
  EXPECT_EQ(format(at::Device(at::kCUDA, 1)), "cuda:1");
}

TEST(Format, CallsWhatIsCallable) {
  EXPECT_EQ(format("n = ", [] { return 3; }), "n = 3");
  EXPECT_EQ(format([] { return [] { return at::kHalf; }; }), "float16");
}

TEST(Dtypes, NamesAreThoseOfNumPy) {
  const std::vector<std::pair<at::ScalarType, std::string>> all = {
      {at::kFloat, "float32"},
      {at::kDouble, "float64"},
      {at::kHalf, "float16"},
      {at::kBFloat16, "bfloat16"},
      {at::kLong, "int64"},
      {at::kInt, "int32"},
      {at::kShort, "int16"},
      {at::kChar, "int8"},
      {at::kByte, "uint8"},
      {at::kBool, "bool"},
      {at::kComplexFloat, "complex64"},
      {at::kComplexDouble, "complex128"}};
  for (const auto& [dtype, name] : all) {
    EXPECT_EQ(dtype_name(dtype), name);
    EXPECT_EQ(dtype_from_name(name), dtype);
  }
  EXPECT_EQ(dtype_name(at::ScalarType::QInt8), "QInt8");
}

TEST(Dtypes, AnUnknownNameIsAnError) {
  EXPECT_STREQ(message_of([] { dtype_from_name("float"); }).c_str(),
               "[dtype_from_name] unknown dtype 'float'");
  EXPECT_STREQ(message_of([] { dtype_from_name(""); }).c_str(),
               "[dtype_from_name] unknown dtype ''");
}

}  // namespace
}  // namespace snt::format_test
