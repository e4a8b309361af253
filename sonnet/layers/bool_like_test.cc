#include "sonnet/layers/bool_like.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "sonnet/core/errors.h"
#include "sonnet/testing/message_of.h"

namespace snt::bool_like_test {
namespace {

bool flag(const BoolLike& value) {
  return detail::is_true(value, "is_training", "Test");
}

TEST(BoolLikeTest, BoolsAndTensors) {
  EXPECT_TRUE(flag(true));
  EXPECT_FALSE(flag(false));
  EXPECT_TRUE(flag(at::scalar_tensor(true, at::kBool)));
  EXPECT_FALSE(flag(at::scalar_tensor(false, at::kBool)));
  EXPECT_TRUE(flag(at::scalar_tensor(1, at::kInt)));
}

TEST(BoolLikeTest, Errors) {
  EXPECT_EQ(message_of<TypeError>([] { flag(at::ones({1}, at::kBool)); }),
            "[Test] is_training must be a bool or a tensor without dimensions, "
            "got shape [1]");
  EXPECT_EQ(message_of<TypeError>([] { flag(at::Tensor()); }),
            "[Test] is_training must be a bool or a tensor without dimensions, "
            "got an undefined tensor");
}

}  // namespace
}  // namespace snt::bool_like_test
