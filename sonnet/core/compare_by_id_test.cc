#include "sonnet/core/compare_by_id.h"

#include <gtest/gtest.h>

#include <string>
#include <unordered_map>

namespace snt::utils::compare_by_id_test {
namespace {

TEST(CompareById, ToldApartByIdentity) {
  const std::string a = "text", b = "text";
  EXPECT_TRUE(CompareById(a) == CompareById(a));
  EXPECT_FALSE(CompareById(a) == CompareById(b));
  EXPECT_EQ(&CompareById(b).wrapped(), &b);
  std::unordered_map<CompareById<std::string>, int> numbers;
  numbers[CompareById(a)] = 1;
  numbers[CompareById(b)] = 2;
  EXPECT_EQ(numbers.at(CompareById(a)), 1);
  EXPECT_EQ(numbers.size(), 2);
}

}  // namespace
}  // namespace snt::utils::compare_by_id_test
