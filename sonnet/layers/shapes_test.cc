#include "sonnet/layers/shapes.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "sonnet/testing/message_of.h"

namespace snt::utils::shapes_test {
namespace {

using Numbers = std::vector<int64_t>;

TEST(OneOrListTest, RemembersWhatWasGiven) {
  const IntOrList one = 3, list = {3}, two = {3, 5};
  EXPECT_FALSE(one.is_list());
  EXPECT_TRUE(list.is_list());
  EXPECT_EQ(to_repr(to_config(one)), "3");
  EXPECT_EQ(to_repr(to_config(list)), "[3]");
  EXPECT_EQ(to_repr(to_config(two)), "[3, 5]");
  for (const char* json : {"4", "[4]", "[4, 1, 2]", "[]"}) {
    const auto read = from_config<IntOrList>(parse_json(json), "stride");
    EXPECT_EQ(to_json(to_config(read)), to_json(parse_json(json)));
  }
  EXPECT_EQ(message_of([] {
              from_config<IntOrList>(parse_json("2.5"), "Conv2D.stride");
            }),
            "[Conv2D.stride] must be an integer, got 2.5");
}

TEST(ReplicateTest, RepeatsOneOnly) {
  EXPECT_EQ(replicate(IntOrList(3), 2, "stride"), Numbers({3, 3}));
  EXPECT_EQ(replicate(IntOrList{4}, 3, "stride"), Numbers({4, 4, 4}));
  EXPECT_EQ(replicate(IntOrList{1, 2}, 2, "stride"), Numbers({1, 2}));
  EXPECT_EQ(replicate(IntOrList(3), 0, "stride"), Numbers());
}

TEST(ReplicateTest, RefusesOtherLengths) {
  EXPECT_EQ(
      message_of<TypeError>([] {
        replicate(IntOrList{1, 2, 3}, 2, "stride");
      }),
      "[replicate] stride must be a scalar or sequence of length 1 or sequence "
      "of length 2. Got a sequence of length 3");
  EXPECT_THROW(replicate(IntOrList(Numbers()), 2, "rate"), TypeError);
}

TEST(AssertRankTest, NamesShapeAndRank) {
  const at::Tensor x = at::ones({2, 3});
  EXPECT_NO_THROW(assert_rank(x, 2));
  EXPECT_NO_THROW(assert_minimum_rank(x, 1));
  EXPECT_NO_THROW(assert_minimum_rank(x, 2));
  EXPECT_EQ(message_of([&] { assert_rank(x, 1); }),
            "[assert_rank] x must have rank 1, got shape [2, 3]");
  EXPECT_EQ(message_of([&] { assert_rank(x, 3); }),
            "[assert_rank] x must have rank 3, got shape [2, 3]");
  EXPECT_EQ(message_of([&] { assert_minimum_rank(x, 3); }),
            "[assert_minimum_rank] x must have rank >= 3, got shape [2, 3]");
}

}  // namespace
}  // namespace snt::utils::shapes_test
