#include "sonnet/core/errors.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

#include "sonnet/testing/message_of.h"

namespace snt::errors_test {
namespace {

TEST(Errors, CheckSaysWhoAndWhat) {
  const at::Tensor x = at::ones({2, 3});
  EXPECT_STREQ(message_of([&] {
                 check(false, "Linear", "x must have rank >= ", 3,
                       ", got shape ", x.sizes());
               }).c_str(),
               "[Linear] x must have rank >= 3, got shape [2, 3]");
}

TEST(Errors, CheckPassesSilently) {
  EXPECT_NO_THROW(check(true, "Linear", "never"));
}

TEST(Errors, CheckWithoutPartsEndsBehindTheName) {
  EXPECT_STREQ(message_of([] { check(false, std::string("Linear")); }).c_str(),
               "[Linear] ");
}

TEST(Errors, NothingIsDescribedWhileAllIsWell) {
  int described = 0;
  const auto costly = [&] {
    ++described;
    return std::string("text");
  };
  check(true, costly, "said by ", costly);
  EXPECT_EQ(described, 0);
  EXPECT_STREQ(message_of([&] { check(false, costly, "by ", costly); }).c_str(),
               "[text] by text");
  EXPECT_EQ(described, 2);
}

TEST(Errors, CheckThrowsTheTypeAsked) {
  EXPECT_STREQ(message_of<TypeError>([] {
                 check<TypeError>(false, "Embed", "ids must be ", at::kLong);
               }).c_str(),
               "[Embed] ids must be int64");
  EXPECT_THROW(check<KeyError>(false, "a", "b"), KeyError);
  EXPECT_THROW(check<NotBuiltError>(false, "a", "b"), NotBuiltError);
  EXPECT_THROW(check<NotImplementedError>(false, "a", "b"),
               NotImplementedError);
}

// A program that knows only std catches them all, and none for another.
TEST(Errors, AreStandardErrorsAndDistinct) {
  static_assert(std::is_base_of_v<std::invalid_argument, ValueError>);
  static_assert(std::is_base_of_v<std::invalid_argument, TypeError>);
  static_assert(std::is_base_of_v<std::out_of_range, KeyError>);
  static_assert(std::is_base_of_v<std::logic_error, NotBuiltError>);
  static_assert(std::is_base_of_v<std::logic_error, NotImplementedError>);
  static_assert(!std::is_base_of_v<ValueError, TypeError>);
  static_assert(!std::is_base_of_v<TypeError, ValueError>);
  static_assert(!std::is_base_of_v<NotBuiltError, NotImplementedError>);
  static_assert(!std::is_base_of_v<NotImplementedError, NotBuiltError>);
}

}  // namespace
}  // namespace snt::errors_test
