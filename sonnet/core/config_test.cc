#include "sonnet/core/config.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <utility>

#include "sonnet/testing/message_of.h"

namespace snt::config_test {
namespace {

using List = Config::List;
using Literal = Config::Literal;
using Map = Config::Map;
using Object = Config::Object;
using Option = Config::Option;

Config text(const char* value) { return {std::string(value)}; }
Config number(int64_t value) { return {value}; }

Config list_of(int64_t n, int64_t first) {
  List list;
  for (int64_t i = 0; i < n; ++i) list.push_back(number(first + i));
  return {std::move(list)};
}

TEST(Repr, OfPlainValuesIsPythons) {
  EXPECT_EQ(to_repr({}), "None");
  EXPECT_EQ(to_repr({true}), "True");
  EXPECT_EQ(to_repr({false}), "False");
  EXPECT_EQ(to_repr(number(-3)), "-3");
  EXPECT_EQ(to_repr({2.0}), "2.0");
  EXPECT_EQ(to_repr({1e-5}), "1e-05");
  EXPECT_EQ(to_repr({List{}}), "[]");
  EXPECT_EQ(to_repr({Map{}}), "{}");
  EXPECT_EQ(to_repr({List{number(1), {}, {List{text("a")}}}}),
            "[1, None, ['a']]");
  EXPECT_EQ(to_repr({Map{{"k", number(1)}, {"a", {false}}}}),
            "{'a': False, 'k': 1}");
  EXPECT_EQ(to_repr({Literal{"tf.float32"}}), "tf.float32");
}

// python3 -c "print(repr(...))"
TEST(Repr, QuotesTextAsPython) {
  EXPECT_EQ(to_repr(text("")), "''");
  EXPECT_EQ(to_repr(text("w")), "'w'");
  EXPECT_EQ(to_repr(text("it's")), "\"it's\"");
  EXPECT_EQ(to_repr(text("\"")), "'\"'");
  EXPECT_EQ(to_repr(text("'\"")), "'\\'\"'");
  EXPECT_EQ(to_repr(text("a\\b")), "'a\\\\b'");
  EXPECT_EQ(to_repr(text("a\nb\tc\rd")), "'a\\nb\\tc\\rd'");
}

TEST(Repr, OfAnObjectLeavesDefaultsOut) {
  EXPECT_EQ(to_repr({Object{"nets.MLP", {}}}), "MLP()");
  EXPECT_EQ(to_repr({Object{"Linear",
                            {{"output_size", number(3)},
                             {"with_bias", {true}, true},
                             {"name", text("x")}}}}),
            "Linear(output_size=3, name='x')");
  EXPECT_EQ(to_repr({Object{"OffDiagonalOrthogonal", {}, "Orthogonal"}}),
            "Orthogonal()");
}

// 80 characters fit on a line; with 81 each option has its own.
TEST(Repr, BreaksBeyondEightyCharacters) {
  const auto object = [](size_t n) {
    return Config{
        Object{"C", {{"a", number(1)}, {"b", {std::string(n, 'x')}}}}};
  };
  const std::string fits = to_repr(object(68));
  EXPECT_EQ(fits.size(), 80u);
  EXPECT_EQ(fits, "C(a=1, b='" + std::string(68, 'x') + "')");
  EXPECT_EQ(to_repr(object(69)),
            "C(\n    a=1,\n    b='" + std::string(69, 'x') + "',\n)");
}

// python3 -c "import pprint; print(pprint.pformat(list(range(100, 120))))"
TEST(Repr, ALongListHasAnEntryALine) {
  EXPECT_EQ(to_repr(list_of(16, 100)),
            "[100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111, 112, "
            "113, 114, 115]");
  std::string lines;
  for (int i = 0; i < 17; ++i) {
    lines += (i > 0 ? ",\n " : "") + std::to_string(100 + i);
  }
  EXPECT_EQ(to_repr(list_of(17, 100)), "[" + lines + "]");
}

// As Sonnet aligns values: behind the "=" of their option.
TEST(Repr, ALongListIsAlignedInAnObject) {
  const Config layer{Object{"Linear", {{"output_size", number(123456789)}}}};
  EXPECT_EQ(to_repr({Object{"Sequential",
                            {{"layers", {List{layer, layer, layer}}}}}}),
            "Sequential(\n"
            "    layers=[Linear(output_size=123456789),\n"
            "            Linear(output_size=123456789),\n"
            "            Linear(output_size=123456789)],\n"
            ")");
}

// python3 -c "import pprint; pprint.pprint({'bcd': 40 * 'v', 'a': 40 * 'v'})"
TEST(Repr, ALongMapIsSortedAndAligned) {
  const Config value{std::string(40, 'v')};
  const std::string quoted = "'" + std::string(40, 'v') + "'";
  EXPECT_EQ(to_repr({Map{{"bcd", value}, {"a", value}}}),
            "{'a': " + quoted + ",\n 'bcd': " + quoted + "}");
  EXPECT_EQ(to_repr({Map{{"a", {List{value, value}}}}}),
            "{'a': [" + quoted + ",\n       " + quoted + "]}");
}

// pprint counts where an entry starts and what is behind it: the comma, the
// brackets. Here the inner list has 78 and then 79 characters.
TEST(Repr, InnerListsBreakWhereTheyDoNotFitTheirLine) {
  const auto inner = [](size_t n) {
    return Config{List{text("a"), {std::string(n, 'x')}}};
  };
  EXPECT_EQ(to_repr({List{inner(69), number(1)}}),
            "[['a', '" + std::string(69, 'x') + "'],\n 1]");
  EXPECT_EQ(to_repr({List{inner(70), number(1)}}),
            "[['a',\n  '" + std::string(70, 'x') + "'],\n 1]");
}

// An option of a line keeps the order of a map; the others do as pprint.
TEST(Repr, MapsInAnObject) {
  const Config map{Map{{"b", number(1)}, {"a", number(2)}}};
  EXPECT_EQ(to_repr({Object{"C", {{"m", map}}}}), "C(m={'b': 1, 'a': 2})");
  EXPECT_EQ(
      to_repr({Object{"C", {{"m", map}, {"t", {std::string(70, 'x')}}}}}),
      "C(\n    m={'a': 2, 'b': 1},\n    t='" + std::string(70, 'x') + "',\n)");
}

// What an object of several lines looks like inside a list is Sonnet's too:
// its lines start where the line of its option does.
TEST(Repr, ALongObjectInAList) {
  const Config inner{Object{
      "In", {{"a", {std::string(40, 'a')}}, {"b", {std::string(40, 'b')}}}}};
  EXPECT_EQ(to_repr({Object{"Out", {{"layers", {List{number(1), inner}}}}}}),
            "Out(\n"
            "    layers=[1,\n"
            "            In(\n"
            "               a='" +
                std::string(40, 'a') +
                "',\n"
                "               b='" +
                std::string(40, 'b') +
                "',\n"
                "           )],\n"
                ")");
}

TEST(Json, HoldsAllPlainValues) {
  EXPECT_EQ(to_json({}), "null");
  EXPECT_EQ(to_json({true}), "true");
  EXPECT_EQ(to_json(number(-3)), "-3");
  EXPECT_EQ(to_json({2.0}), "2.0");
  EXPECT_EQ(to_json({0.1}), "0.1");
  EXPECT_EQ(to_json(text("a\"b\n")), R"("a\"b\n")");
  EXPECT_EQ(to_json({List{number(1), {List{}}, {Map{}}}}), "[1,[],{}]");
  EXPECT_EQ(to_json({Map{{"b", number(1)}, {"a", {}}}}), R"({"b":1,"a":null})");
  EXPECT_EQ(to_json({Literal{"tf.float32", {text("float32")}}}),
            R"("float32")");
}

TEST(Json, AnObjectHasAClassAndAllOptions) {
  const Config object{Object{
      "nets.MLP",
      {{"output_sizes", {List{number(2)}}}, {"with_bias", {true}, true}}}};
  EXPECT_EQ(to_json(object),
            R"({"class":"nets.MLP","config":{"output_sizes":[2],)"
            R"("with_bias":true}})");
  EXPECT_EQ(to_json({Map{{"a", number(1)}}}, 2), "{\n  \"a\": 1\n}");
}

TEST(Json, SaysWhatItCannotHold) {
  EXPECT_STREQ(message_of([] { to_json(Config{Literal{"<lambda>"}}); }).c_str(),
               "[to_json] JSON cannot hold <lambda>: give it a name of "
               "snt::activations, or a registered struct");
  EXPECT_STREQ(message_of([] {
                 to_json({List{{std::numeric_limits<double>::infinity()}}});
               }).c_str(),
               "[to_json] JSON cannot hold inf");
  EXPECT_STREQ(message_of([] {
                 to_json({std::numeric_limits<double>::quiet_NaN()});
               }).c_str(),
               "[to_json] JSON cannot hold nan");
}

TEST(ParseJson, KeepsTheKindsOfNumbers) {
  const Config all = parse_json(R"([null, true, 3, 3.0, -1e2, "3", {}, []])");
  const auto* list = all.get_if<List>();
  ASSERT_NE(list, nullptr);
  ASSERT_EQ(list->size(), 8u);
  EXPECT_TRUE((*list)[0].is_none());
  EXPECT_EQ(*(*list)[1].get_if<bool>(), true);
  EXPECT_EQ(*(*list)[2].get_if<int64_t>(), 3);
  EXPECT_EQ(*(*list)[3].get_if<double>(), 3.0);
  EXPECT_EQ(*(*list)[4].get_if<double>(), -100.0);
  EXPECT_EQ(*(*list)[5].get_if<std::string>(), "3");
  EXPECT_TRUE((*list)[6].get_if<Map>()->empty());
  EXPECT_TRUE((*list)[7].get_if<List>()->empty());
}

TEST(ParseJson, KeepsTheOrderOfKeys) {
  EXPECT_EQ(to_json(parse_json(R"({"z": 1, "a": {"y": 2, "b": 3}})")),
            R"({"z":1,"a":{"y":2,"b":3}})");
}

TEST(ParseJson, IntegersMustFit) {
  EXPECT_EQ(*parse_json("9223372036854775807").get_if<int64_t>(),
            std::numeric_limits<int64_t>::max());
  EXPECT_EQ(*parse_json("-9223372036854775808").get_if<int64_t>(),
            std::numeric_limits<int64_t>::min());
  EXPECT_STREQ(
      message_of([] { parse_json("9223372036854775808"); }).c_str(),
      "[parse_json] integers must fit 64 bits, got 9223372036854775808");
}

TEST(ParseJson, MalformedTextIsAnErrorWithThePosition) {
  EXPECT_STREQ(
      message_of([] { parse_json(R"({"a": )"); }).c_str(),
      "[parse_json] [json.exception.parse_error.101] parse error at line 1, "
      "column 7: syntax error while parsing value - unexpected end of input; "
      "expected '[', '{', or a literal");
  EXPECT_THROW(parse_json(""), ValueError);
  EXPECT_THROW(parse_json("{} x"), ValueError);
  EXPECT_THROW(parse_json("{'a': 1}"), ValueError);
  EXPECT_EQ(message_of([] {
              parse_json(R"({"b": {"a": 1}, "c": {"a": 2, "a": 3}})");
            }),
            "[parse_json] 'a' comes twice");
  EXPECT_THROW(to_json(Config{std::string("\xff")}), ValueError);
}

TEST(Find, FindsEntriesOfMapsOnly) {
  const Config map{Map{{"a", number(1)}, {"b", number(2)}}};
  ASSERT_NE(map.find("b"), nullptr);
  EXPECT_EQ(*map.find("b"), number(2));
  EXPECT_EQ(map.find("c"), nullptr);
  EXPECT_EQ(Config{}.find("a"), nullptr);
  EXPECT_EQ((Config{Object{"C", {{"a", number(1)}}}}.find("a")), nullptr);
}

TEST(Equality, ComparesKindAndValue) {
  EXPECT_EQ(Config{}, Config{});
  EXPECT_EQ(number(1), number(1));
  EXPECT_FALSE(number(1) == number(2));
  EXPECT_FALSE(number(1) == Config{1.0});
  EXPECT_FALSE(Config{true} == number(1));
  EXPECT_FALSE(Config{} == Config{false});
  EXPECT_EQ(list_of(3, 1), list_of(3, 1));
  EXPECT_FALSE(list_of(3, 1) == list_of(2, 1));
  EXPECT_FALSE(list_of(3, 1) == list_of(3, 2));
  EXPECT_FALSE((Config{Map{{"a", {}}}} == Config{Map{{"b", {}}}}));
  EXPECT_FALSE(text("a") == text("b"));
}

TEST(Equality, ObjectsCompareClassAndOptions) {
  const auto object = [](const char* name, int64_t value, bool is_default) {
    return Config{Object{name, {{"a", number(value), is_default}}}};
  };
  EXPECT_EQ(object("C", 1, true), object("C", 1, false));
  EXPECT_FALSE(object("C", 1, true) == object("D", 1, true));
  EXPECT_FALSE(object("C", 1, true) == object("C", 2, true));
  EXPECT_FALSE((object("C", 1, true) == Config{Object{"C", {}}}));
}

// Two lambdas print alike; nobody knows whether they do the same.
TEST(Equality, LambdasAreNeverEqual) {
  const Config lambda{Literal{"<lambda>"}};
  EXPECT_FALSE(lambda == lambda);
  const Config half{Literal{"tf.float16", {text("float16")}}};
  EXPECT_EQ(half, half);
  EXPECT_FALSE((half == Config{Literal{"tf.float32", {text("float32")}}}));
}

}  // namespace
}  // namespace snt::config_test
