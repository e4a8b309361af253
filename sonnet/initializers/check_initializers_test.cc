#include "sonnet/initializers/check_initializers.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sonnet/core/errors.h"
#include "sonnet/initializers/constant.h"

namespace snt::initializers::check_initializers_test {
namespace {

using testing::ThrowsMessage;

TEST(CheckInitializersTest, ReturnsWhatItWasGiven) {
  EXPECT_TRUE(check_initializers({}, {"w"}).empty());
  EXPECT_TRUE(check_initializers({}, {}).empty());
  const auto checked =
      check_initializers({{"b", Constant{3}}, {"w", Ones{}}}, {"w", "b", "c"});
  ASSERT_EQ(checked.size(), 2);
  EXPECT_EQ(checked.at("b")({}, at::kFloat).item<float>(), 3);
}

TEST(CheckInitializersTest, Errors) {
  EXPECT_THAT(([] {
                check_initializers({{"x", Zeros{}}}, {"w", "b"});
              }),
              ThrowsMessage<KeyError>(
                  "[check_initializers] Invalid initializer keys 'x', "
                  "initializers can only be provided for 'w', 'b'"));
  EXPECT_THAT(([] {
                check_initializers(
                    {{"z", Zeros{}}, {"b", Zeros{}}, {"x", Zeros{}}}, {"b"});
              }),
              ThrowsMessage<KeyError>(
                  "[check_initializers] Invalid initializer keys 'x', 'z', "
                  "initializers can only be provided for 'b'"));
}

}  // namespace
}  // namespace snt::initializers::check_initializers_test
