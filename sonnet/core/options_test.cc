#include "sonnet/core/options.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "sonnet/core/activation.h"
#include "sonnet/core/layer.h"
#include "sonnet/core/variable.h"
#include "sonnet/core/walk.h"
#include "sonnet/testing/message_of.h"

namespace snt {

namespace options_test {
struct Deep {
  int size = 1;
};
struct Vocabulary {
  explicit Vocabulary(int n) : size(n) {}
  int size;
};
}  // namespace options_test

template <>
inline constexpr bool opaque<options_test::Vocabulary> = true;

namespace {

using options_test::Vocabulary;

struct Affine {
  Required<int64_t> size;
  bool with_bias = true;
  std::optional<double> scale = {};
  std::string name = {};

  Variable w = {};

  void check() const {
    snt::check(size >= 0, "Affine", "size must be >= 0, got ", size.value);
  }
};

// The later defaults depend on the earlier options.
struct Dependent {
  int64_t a = 2;
  int64_t b = 10 * a;
  std::vector<int64_t> c = {a, b};
  std::string name = {};
};

struct WithoutName {
  int64_t size = 3;
  std::string mode = "same";
  Affine inner{1};
  int64_t behind = 4;
};
struct SaysItself {
  static constexpr size_t num_options = 1;
  int64_t size = 3;
  int64_t cache = 0;
};
struct NoOptions {
  Variable w = {};
};
struct Nothing {};

enum class Rounding { kFirst, kSecond };

struct Kinds {
  bool flag = false;
  int32_t small = 1;
  uint8_t tiny = 2;
  float single = 0.5;
  at::ScalarType dtype = at::kFloat;
  std::string text = "a";
  std::vector<bool> flags = {true};
  std::array<int64_t, 2> pair = {1, 2};
  std::tuple<int64_t, std::string> tuple = {1, "x"};
  std::optional<std::string> maybe = {};
  std::map<std::string, int64_t> map = {};
  std::variant<int64_t, std::vector<int64_t>> either = int64_t{1};
  at::Tensor tensor = {};
  Rounding mode = Rounding::kFirst;
  Activation activation = activations::relu;
  std::vector<Affine> inner = {};
  std::string name = {};
};

struct L1 {
  double scale = 1;
};
struct L2 {
  double scale = 1;
};
struct Either {
  std::variant<L1, L2> which = L1{};
  int64_t config = 1;  // Not the "config" of a class.
};

struct HoldsForeign {
  Vocabulary words{3};
  std::function<int(int)> function = {};
  int64_t size = 1;
  std::string name = {};
};
template <class T>
struct Pair {
  T a = {};
};

TEST(ConfigName, HasTheNamespacesBehindSnt) {
  EXPECT_EQ(config_name<options_test::Deep>(), "options_test.Deep");
  EXPECT_EQ(config_name<Affine>(), "Affine");
  EXPECT_EQ(config_name<Pair<options_test::Deep>>(), "Pair");
  EXPECT_EQ(config_name<std::string>(), "basic_string");
}

TEST(CheckName, TakesIdentifiersOnly) {
  for (const char* good : {"", "a", "_", "Foo_1", "a9"}) {
    EXPECT_NO_THROW(check_name("M", good)) << good;
  }
  for (const char* bad : {"9a", "a b", "a/b", "a-b", "\xc3\xa4", "a:0", " "}) {
    EXPECT_THROW(check_name("M", bad), ValueError) << bad;
  }
  EXPECT_STREQ(message_of([] { check_name("Affine", "$Foo"); }).c_str(),
               "[Affine] '$Foo' is not a valid module name. Module names must "
               "be valid Python identifiers (e.g. a valid class name).");
}

TEST(Repr, ShowsOptionsThatDiffer) {
  EXPECT_EQ(repr(Affine{3}), "Affine(size=3)");
  EXPECT_EQ(repr(Affine{.size = 0, .with_bias = false, .name = "x"}),
            "Affine(size=0, with_bias=False, name='x')");
  EXPECT_EQ(repr(Affine{.size = 3, .scale = 0.0}), "Affine(size=3, scale=0.0)");
  EXPECT_EQ(repr(Nothing()), "Nothing()");
  EXPECT_EQ(repr(NoOptions()), "NoOptions()");
  EXPECT_EQ(repr(SaysItself{.size = 1, .cache = 9}), "SaysItself(size=1)");
  EXPECT_EQ(repr(Pair<int>{2}), "Pair(a=2)");
}

TEST(Repr, ADependentDefaultIsADefault) {
  EXPECT_EQ(repr(Dependent()), "Dependent()");
  EXPECT_EQ(repr(Dependent{.a = 3}), "Dependent(a=3)");
  EXPECT_EQ(repr(Dependent{.a = 3, .b = 20}), "Dependent(a=3, b=20)");
  EXPECT_EQ(repr(Dependent{.c = {2, 21}}), "Dependent(c=[2, 21])");
}

TEST(Repr, OfAllKinds) {
  EXPECT_EQ(repr(Kinds()), "Kinds()");
  EXPECT_EQ(repr(Kinds{.flag = true,
                       .small = 3,
                       .tiny = 4,
                       .single = 0.25,
                       .dtype = at::kHalf}),
            "Kinds(flag=True, small=3, tiny=4, single=0.25, dtype=tf.float16)");
  EXPECT_EQ(repr(Kinds{.flags = {false, true},
                       .pair = {3, 4},
                       .tuple = {5, "y"},
                       .maybe = "m"}),
            "Kinds(flags=[False, True], pair=[3, 4], tuple=[5, 'y'], "
            "maybe='m')");
  EXPECT_EQ(repr(Kinds{.map = {{"k", 1}}, .either = std::vector<int64_t>{1}}),
            "Kinds(map={'k': 1}, either=[1])");
  EXPECT_EQ(repr(Kinds{.tensor = at::scalar_tensor(2.5),
                       .mode = Rounding::kSecond,
                       .inner = {Affine{1}}}),
            "Kinds(tensor=2.5, mode=1, inner=[Affine(size=1)])");
  EXPECT_EQ(repr(Kinds{.tensor = at::arange(4).reshape({2, 2}),
                       .activation = activations::tanh}),
            "Kinds(tensor=[[0, 1], [2, 3]], activation=tanh)");
}

TEST(Repr, NamesWhatItCannotPrint) {
  EXPECT_EQ(repr(HoldsForeign()),
            "HoldsForeign(words=<Vocabulary>, function=<lambda>)");
}

TEST(ToJson, HasAllOptionsInOrder) {
  EXPECT_EQ(to_json(Affine{3}), R"({"size":3,"with_bias":true,"scale":null})");
  EXPECT_EQ(to_json(Affine{.size = 3, .name = "a"}),
            R"({"size":3,"with_bias":true,"scale":null,"name":"a"})");
  EXPECT_EQ(to_json(Nothing()), "{}");
  EXPECT_EQ(to_json(WithoutName()), R"({"size":3,"mode":"same"})");
  EXPECT_EQ(to_json(SaysItself(), 1), "{\n \"size\": 3\n}");
  EXPECT_EQ(to_json(Kinds{.inner = {Affine{.size = 1, .name = "n"}}}),
            R"({"flag":false,"small":1,"tiny":2,"single":0.5,)"
            R"("dtype":"float32","text":"a","flags":[true],"pair":[1,2],)"
            R"("tuple":[1,"x"],"maybe":null,"map":{},"either":1,)"
            R"("tensor":null,"mode":0,"activation":"relu",)"
            R"("inner":[{"class":"Affine","config":{"size":1,)"
            R"("with_bias":true,"scale":null,"name":"n"}}]})");
}

TEST(ToJson, SaysWhatItCannotHold) {
  EXPECT_STREQ(message_of([] { to_json(HoldsForeign()); }).c_str(),
               "[to_json] JSON cannot hold <Vocabulary>: give it a name of "
               "snt::activations, or a registered struct");
}

// What is read back prints alike, whatever the kind.
TEST(FromJson, IsTheInverse) {
  const Kinds kinds{.flag = true,
                    .small = -3,
                    .tiny = 255,
                    .single = 0.1f,
                    .dtype = at::kBFloat16,
                    .text = "\"ä\n",
                    .flags = {},
                    .pair = {7, -1},
                    .tuple = {3, ""},
                    .maybe = "",
                    .map = {{"x", 1}, {"a b", 2}},
                    .either = std::vector<int64_t>{},
                    .tensor = at::arange(6).to(at::kFloat).reshape({2, 3}),
                    .mode = Rounding::kSecond,
                    .activation = activations::gelu,
                    .inner = {Affine{.size = 2, .scale = 0.5}},
                    .name = "k"};
  const std::string text = to_json(kinds);
  const Kinds again = from_json<Kinds>(text);
  EXPECT_EQ(to_json(again), text);
  EXPECT_EQ(repr(again), repr(kinds));
  EXPECT_EQ(again.single, 0.1f);
  EXPECT_EQ(again.mode, Rounding::kSecond);
  EXPECT_EQ(again.maybe, "");
  EXPECT_EQ(again.inner[0].scale, 0.5);
  EXPECT_TRUE(at::equal(again.tensor, kinds.tensor));
}

TEST(FromJson, AMissingKeyTakesTheDefault) {
  const Affine affine = from_json<Affine>(R"({"size": 3})");
  EXPECT_EQ(affine.size, 3);
  EXPECT_TRUE(affine.with_bias);
  EXPECT_FALSE(affine.scale.has_value());
  EXPECT_EQ(repr(from_json<Kinds>("{}")), "Kinds()");
}

TEST(FromJson, ADefaultMayDependOnEarlierOptions) {
  const Dependent given = from_json<Dependent>(R"({"a": 3})");
  EXPECT_EQ(given.b, 30);
  EXPECT_EQ(given.c, (std::vector<int64_t>{3, 30}));
  const Dependent later = from_json<Dependent>(R"({"b": 7})");
  EXPECT_EQ(later.a, 2);
  EXPECT_EQ(later.c, (std::vector<int64_t>{2, 7}));
}

TEST(FromJson, UnknownKeysAreAnErrorThatListsTheKnown) {
  EXPECT_STREQ(
      message_of([] {
        from_json<Affine>(R"({"size": 3, "withbias": false})");
      }).c_str(),
      "[Affine] unknown option 'withbias'; known: size, with_bias, scale, "
      "name");
  // The variables are no options.
  EXPECT_STREQ(message_of([] { from_json<Affine>(R"({"w": 1})"); }).c_str(),
               "[Affine] unknown option 'w'; known: size, with_bias, scale, "
               "name");
  EXPECT_STREQ(message_of([] { from_json<Nothing>(R"({"a": 1})"); }).c_str(),
               "[Nothing] unknown option 'a'; known: none");
  EXPECT_STREQ(
      message_of([] {
        from_json<Kinds>(R"({"inner": [{"size": 1}, {"Size": 2}]})");
      }).c_str(),
      "[Kinds.inner[1]] unknown option 'Size'; known: size, with_bias, scale, "
      "name");
}

TEST(FromJson, ARequiredOptionMustBeGiven) {
  EXPECT_STREQ(message_of([] { from_json<Affine>("{}"); }).c_str(),
               "[Affine] option 'size' is required");
}

TEST(FromJson, ChecksOptionsAndName) {
  EXPECT_STREQ(message_of([] { from_json<Affine>(R"({"size": -1})"); }).c_str(),
               "[Affine] size must be >= 0, got -1");
  EXPECT_STREQ(
      message_of([] {
        from_json<Affine>(R"({"size": 1, "name": "a b"})");
      }).c_str(),
      "[Affine] 'a b' is not a valid module name. Module names must be valid "
      "Python identifiers (e.g. a valid class name).");
  EXPECT_EQ(from_json<Affine>(R"({"size": 1, "name": null})").name, "");
}

struct BadValue {
  const char* json;
  const char* error;
};
class FromJsonBadValue : public testing::TestWithParam<BadValue> {};

TEST_P(FromJsonBadValue, SaysWhereAndWhat) {
  EXPECT_STREQ(message_of([] { from_json<Kinds>(GetParam().json); }).c_str(),
               GetParam().error);
}

INSTANTIATE_TEST_SUITE_P(
    All, FromJsonBadValue,
    testing::Values(
        BadValue{"[]", "[Kinds] must be an object with options, got []"},
        BadValue{R"({"flag": 1})", "[Kinds.flag] must be true or false, got 1"},
        BadValue{R"({"small": true})",
                 "[Kinds.small] must be an integer, got True"},
        BadValue{R"({"small": 1.0})",
                 "[Kinds.small] must be an integer, got 1.0"},
        BadValue{R"({"small": 2147483648})",
                 "[Kinds.small] must be an integer that fits its type, got "
                 "2147483648"},
        BadValue{R"({"tiny": 256})",
                 "[Kinds.tiny] must be an integer that fits its type, got 256"},
        BadValue{R"({"tiny": -1})",
                 "[Kinds.tiny] must be an integer that fits its type, got -1"},
        BadValue{R"({"single": "0.5"})",
                 "[Kinds.single] must be a number, got '0.5'"},
        BadValue{R"({"single": null})",
                 "[Kinds.single] must be a number, got None"},
        BadValue{R"({"dtype": 1})",
                 "[Kinds.dtype] must be the name of a dtype, got 1"},
        BadValue{R"({"dtype": "float"})",
                 "[dtype_from_name] unknown dtype 'float'"},
        BadValue{R"({"text": 3})", "[Kinds.text] must be a string, got 3"},
        BadValue{R"({"flags": true})",
                 "[Kinds.flags] must be a list, got True"},
        BadValue{R"({"flags": [true, 0]})",
                 "[Kinds.flags[1]] must be true or false, got 0"},
        BadValue{R"({"pair": [1, 2, 3]})",
                 "[Kinds.pair] must be a list of 2, got [1, 2, 3]"},
        BadValue{R"({"tuple": [1, 2]})",
                 "[Kinds.tuple[1]] must be a string, got 2"},
        BadValue{R"({"map": [1]})", "[Kinds.map] must be an object, got [1]"},
        BadValue{R"({"map": {"k": "v"}})",
                 "[Kinds.map.k] must be an integer, got 'v'"},
        BadValue{R"({"either": "x"})",
                 "[Kinds.either] must be one of the accepted kinds of value, "
                 "got 'x'"},
        BadValue{R"({"tensor": [[1, 2], [3]]})",
                 "[Kinds.tensor] must have rows of one length, got [2] and "
                 "[1]"}));

TEST(FromJson, MayNameTheClass) {
  EXPECT_EQ(
      from_json<Affine>(R"({"class": "Affine", "config": {"size": 4}})").size,
      4);
  EXPECT_EQ(repr(from_json<Dependent>(R"({"class": "Dependent"})")),
            "Dependent()");
  EXPECT_STREQ(
      message_of([] {
        from_json<Affine>(R"({"class": "Linear", "config": {"size": 4}})");
      }).c_str(),
      "[Affine] must be of class 'Affine', got 'Linear'");
  EXPECT_STREQ(
      message_of([] {
        from_json<Affine>(R"({"class": "Affine", "confg": {"size": 4}})");
      }).c_str(),
      "[Affine] unknown option 'confg'; known: class, config");
}

TEST(FromJson, AVariantOfStructsIsToldByTheClass) {
  const Either second{.which = L2{.scale = 3}};
  const Either again = from_json<Either>(to_json(second));
  ASSERT_TRUE(std::holds_alternative<L2>(again.which));
  EXPECT_EQ(std::get<L2>(again.which).scale, 3.0);
  EXPECT_EQ(from_json<Either>(R"({"config": 5})").config, 5);
}

TEST(FromJson, WhatJsonCannotHoldKeepsItsDefault) {
  const HoldsForeign read = from_json<HoldsForeign>(R"({"size": 2})");
  EXPECT_EQ(read.words.size, 3);
  EXPECT_EQ(read.size, 2);
  EXPECT_STREQ(
      message_of([] { from_json<HoldsForeign>(R"({"function": 1})"); }).c_str(),
      "[HoldsForeign.function] must be left out: JSON cannot hold such a "
      "value, got 1");
}

}  // namespace
}  // namespace snt
