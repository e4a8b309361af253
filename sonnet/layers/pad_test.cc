#include "sonnet/layers/pad.h"

#include <gtest/gtest.h>

#include "sonnet/core/errors.h"
#include "sonnet/testing/message_of.h"

namespace snt::pad_test {
namespace {

using Pair = std::array<int64_t, 2>;
using Pairs = std::vector<Pair>;

TEST(PadTest, ZerosForAKernel) {
  EXPECT_EQ(pad::valid(4), Pair({0, 0}));
  EXPECT_EQ(pad::same(1), Pair({0, 0}));
  EXPECT_EQ(pad::same(4), Pair({1, 2}));
  EXPECT_EQ(pad::same(5), Pair({2, 2}));
  EXPECT_EQ(pad::full(4), Pair({3, 3}));
  EXPECT_EQ(pad::causal(4), Pair({3, 0}));
  EXPECT_EQ(pad::reverse_causal(4), Pair({0, 3}));
}

TEST(PadTest, CreateKnowsRateAndChannels) {
  EXPECT_EQ(pad::create({pad::causal, pad::full}, {3}, {1, 1}, 2, -1),
            Pairs({{0, 0}, {2, 0}, {2, 2}, {0, 0}}));
  EXPECT_EQ(pad::create(pad::same, 4, 2, 3, 1),
            Pairs({{0, 0}, {0, 0}, {3, 3}, {3, 3}, {3, 3}}));
  EXPECT_EQ(pad::create(pad::reverse_causal, {2, 3}, {3, 1}, 2, 1),
            Pairs({{0, 0}, {0, 0}, {0, 3}, {0, 2}}));
}

TEST(PadTest, CreateRefusesLists) {
  using pad::causal;
  EXPECT_EQ(message_of<TypeError>([] {
              pad::create({causal, causal, causal}, 3, 1, 2, -1);
            }),
            "[pad.create] padding must be a scalar or sequence of length 1 or "
            "sequence of length 2. Got a sequence of length 3");
  EXPECT_THROW(pad::create(causal, {3, 3, 3}, 1, 2, -1), TypeError);
  EXPECT_THROW(pad::create(causal, 3, {1, 1, 1}, 2, -1), TypeError);
}

TEST(PaddingTest, HoldsANameOrFunctions) {
  const Padding name = "same", all = pad::causal,
                each = {pad::full, [](int64_t) {
                          return Pair{1, 0};
                        }};
  EXPECT_EQ(name.conv_padding(), "SAME");
  EXPECT_EQ(name.padding_func(), nullptr);
  EXPECT_EQ(all.conv_padding(), "VALID");
  EXPECT_EQ(all.padding_func()->values()[0](3), Pair({2, 0}));
  EXPECT_EQ(each.padding_func()->values()[1](3), Pair({1, 0}));
}

TEST(PaddingTest, PrintsAndStoresNames) {
  const auto repr = [](const Padding& p) { return to_repr(to_config(p)); };
  EXPECT_EQ(repr("valid"), "'valid'");
  EXPECT_EQ(repr(pad::same), "same");
  EXPECT_EQ(repr({pad::causal, pad::full}), "[causal, full]");
  EXPECT_EQ(repr([](int64_t) { return Pair{1, 0}; }), "<lambda>");

  for (const char* json :
       {"\"SAME\"", "\"Valid\"", "\"PAD_SAME\"", "\"PAD_VALID\"",
        "[\"CAUSAL\",\"FULL\"]", "[\"REVERSE_CAUSAL\"]"}) {
    const auto read = from_config<Padding>(parse_json(json), "padding");
    EXPECT_EQ(to_json(to_config(read)), json);
  }
  EXPECT_EQ(message_of([] {
              from_config<Padding>(parse_json("[\"SAME\"]"), "Conv2D.padding");
            }),
            "[Conv2D.padding[0]] must be CAUSAL, FULL, REVERSE_CAUSAL, "
            "PAD_SAME or PAD_VALID, got 'SAME'");
}

}  // namespace
}  // namespace snt::pad_test
