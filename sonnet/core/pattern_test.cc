#include "sonnet/core/pattern.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "sonnet/testing/message_of.h"

namespace snt::pattern_test {
namespace {

struct Case {
  const char* name;
  const char* pattern;
  std::vector<std::string> yes;
  std::vector<std::string> no;
};

class PatternMatches : public testing::TestWithParam<Case> {};

TEST_P(PatternMatches, TheWholePath) {
  const Pattern pattern(GetParam().pattern);
  EXPECT_EQ(pattern.text(), GetParam().pattern);
  for (const std::string& path : GetParam().yes) {
    EXPECT_TRUE(pattern.matches(path)) << "'" << path << "'";
  }
  for (const std::string& path : GetParam().no) {
    EXPECT_FALSE(pattern.matches(path)) << "'" << path << "'";
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, PatternMatches,
    testing::Values(
        Case{"Literal",
             "body/w",
             {"body/w"},
             {"", "body", "w", "body/w2", "xbody/w", "body/w/x", "x/body/w"}},
        Case{"ADotIsADot", "a.b", {"a.b"}, {"axb"}},
        Case{"StarStaysInAComponent",
             "*",
             {"w", "layers"},
             {"", "layers/0", "a/b/c"}},
        Case{"StarInTheMiddle",
             "layers/*/w",
             {"layers/0/w", "layers/10/w"},
             {"layers/w", "layers/0/1/w", "layers/0/b", "layers/0/w/x"}},
        Case{"StarWithinAName",
             "conv*_w",
             {"conv_w", "conv1_w", "conv_w_w"},
             {"conv", "conv1_b", "conv/_w", "xconv_w"}},
        Case{"TwoStars", "a*b*c", {"abc", "axbxc", "abbbc"}, {"ac", "acb"}},
        Case{"QuestionMark", "w_?", {"w_h", "w_i"}, {"w_", "w_hh", "w_/", "w"}},
        Case{"AnyDepthInFront",
             "**/w",
             {"w", "a/w", "a/b/c/w"},
             {"", "b", "w/a", "a/ww", "a/b"}},
        Case{"AnyDepthBehind",
             "body/**",
             {"body", "body/w", "body/layers/0/w"},
             {"", "head", "head/body", "bodyx/w"}},
        Case{"AnyDepthWithin",
             "a/**/w",
             {"a/w", "a/b/w", "a/b/c/w", "a/w/w"},
             {"a", "w", "b/a/w", "a/w/b"}},
        Case{"Everything", "**", {"", "w", "a/b/c"}, {}},
        Case{"TwiceAnyDepth",
             "a/**/**",
             {"a", "a/b", "a/b/c"},
             {"", "b", "b/a"}},
        Case{"AnyDepthTwoTimes",
             "**/layers/**/w",
             {"layers/w", "layers/0/w", "x/y/layers/0/1/w", "layers/layers/w"},
             {"layers", "w/layers", "layers/0/b"}},
        Case{"StarsThatAreNotAlone", "**w", {"w", "xw"}, {"a/w"}}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(Pattern, IsWrittenAsAString) {
  const auto covers = [](const Pattern& pattern) {
    return pattern.matches("a/b");
  };
  EXPECT_TRUE(covers("a/b"));
  EXPECT_TRUE(covers(std::string("a/*")));
}

TEST(Pattern, MustNotBeEmpty) {
  EXPECT_STREQ(message_of([] { Pattern(""); }).c_str(),
               "[Pattern] a pattern must not be empty");
  EXPECT_STREQ(message_of([] { Pattern{std::string()}; }).c_str(),
               "[Pattern] a pattern must not be empty");
}

}  // namespace
}  // namespace snt::pattern_test
