#include "sonnet/core/required.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

namespace snt::required_test {
namespace {

struct Options {
  Required<int64_t> size;
  Required<std::vector<int64_t>> sizes;
  bool flag = true;
};

TEST(Required, HasNoDefault) {
  static_assert(!std::is_default_constructible_v<Required<int64_t>>);
  static_assert(!std::is_default_constructible_v<Options>);
  static_assert(std::is_copy_constructible_v<Options>);
  static_assert(std::is_copy_assignable_v<Options>);
}

TEST(Required, TakesAnyArithmeticTypeWithoutNarrowing) {
  const std::vector<int> list(5);
  const Required<int64_t> from_size{list.size()};
  EXPECT_EQ(from_size, 5);
  EXPECT_EQ(Required<int64_t>{3u}.value, 3);
  EXPECT_EQ(Required<int64_t>{-3}.value, -3);
  EXPECT_EQ(Required<double>{3}.value, 3.0);
  EXPECT_EQ(Required<float>{0.5}.value, 0.5f);
  EXPECT_TRUE(Required<bool>{true}.value);
}

TEST(Required, TakesNothingThatIsNoNumber) {
  static_assert(!std::is_constructible_v<Required<int64_t>, std::string>);
  static_assert(!std::is_constructible_v<Required<int64_t>, const char*>);
  static_assert(!std::is_constructible_v<Required<int64_t>, nullptr_t>);
  static_assert(
      !std::is_constructible_v<Required<int64_t>, std::vector<int64_t>>);
  static_assert(!std::is_constructible_v<Required<std::string>, int>);
}

TEST(Required, ReadsLikeTheValue) {
  Required<int64_t> size = 3;
  const int64_t twice = 2 * size;
  EXPECT_EQ(twice, 6);
  size = 4;
  EXPECT_EQ(size, 4);
  const Required<std::vector<int64_t>> list{{2, 3}};
  const std::vector<int64_t>& values = list;
  EXPECT_EQ(&values, &list.value);
}

TEST(Required, TakesListsInBraces) {
  const Options one{.size = 1, .sizes = {7}};
  EXPECT_EQ(one.sizes.value, (std::vector<int64_t>{7}));
  const Options none{.size = 1, .sizes = {std::vector<int64_t>()}};
  EXPECT_TRUE(none.sizes.value.empty());
  const Options mixed{.size = 1, .sizes = {2u, 3u, 4u}};
  EXPECT_EQ(mixed.sizes.value, (std::vector<int64_t>{2, 3, 4}));
  const size_t n = 5;
  const Options sizes{.size = n, .sizes = {n, n}};
  EXPECT_EQ(sizes.sizes.value, (std::vector<int64_t>{5, 5}));
  EXPECT_TRUE(sizes.flag);
}

TEST(Required, TakesAValueOfTheTypeItself) {
  const std::vector<int64_t> list = {4, 2};
  const Options options{.size = 1, .sizes = list};
  EXPECT_EQ(options.sizes.value, list);
  const Required<std::string> text = std::string("SAME");
  EXPECT_EQ(text.value, "SAME");
  const Required<std::array<int64_t, 2>> pair = std::array<int64_t, 2>{1, 2};
  EXPECT_EQ(pair.value[1], 2);
}

TEST(Required, CopiesAreIndependent) {
  Options a{.size = 1, .sizes = {2}};
  Options b = a;
  b.size = 9;
  b.sizes.value.push_back(3);
  EXPECT_EQ(a.size, 1);
  EXPECT_EQ(a.sizes.value.size(), 1u);
  a = b;
  EXPECT_EQ(a.size, 9);
}

}  // namespace
}  // namespace snt::required_test
