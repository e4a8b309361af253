#include "sonnet/core/reflect.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "sonnet/core/required.h"
#include "sonnet/core/variable.h"

namespace snt {

// Named as a class of the library would be.
namespace reflect_test {
struct Plain {
  int value = 1;
};
template <class T, int N>
struct Conv {
  T weight = {};
};
}  // namespace reflect_test

namespace {

using reflect::class_name;
using reflect::field_name;
using reflect::field_type;
using reflect::num_fields;

template <class T>
std::vector<std::string> names() {
  std::vector<std::string> result;
  [&]<size_t... I>(std::index_sequence<I...>) {
    (result.emplace_back(field_name<T, I>), ...);
  }
  (std::make_index_sequence<num_fields<T>()>());
  return result;
}

using Names = std::vector<std::string>;

struct Empty {};
struct One {
  int only = 7;
};
struct Inner {
  int x = 1;
  double y = 2;
};
enum class Mode { kOne, kTwo };

// One field of each kind, nested aggregates in the middle.
struct Everything {
  Required<int64_t> required;
  bool flag = true;
  double number = 0.5;
  Mode mode = Mode::kTwo;
  std::string text = "a";
  Inner inner = {};
  std::array<int64_t, 2> pair = {3, 4};
  std::array<Inner, 2> inners = {};
  std::vector<Inner> list = {};
  std::map<std::string, Inner> map = {};
  std::tuple<int, Inner> tuple = {};
  std::pair<int, int> two = {};
  std::optional<Inner> optional = {};
  std::variant<int, Inner> variant = {};
  std::function<int(int)> function = {};
  std::unique_ptr<Inner> unique = {};
  std::shared_ptr<Inner> shared = {};
  at::Tensor tensor = {};
  Variable variable = {};
  const char* pointer = nullptr;
  std::string name = {};
};

struct Recursive {
  std::vector<Recursive> children = {};
  std::unique_ptr<Recursive> next = {};
  int value = 0;
};

// Takes anything, and so could swallow an initialiser meant for another field.
struct Greedy {
  template <class T>
  requires(std::is_arithmetic_v<T>) Greedy(T t)
      : value(static_cast<double>(t)) {}
  double value;
};
struct HoldsGreedy {
  Greedy first;
  Greedy second = 2;
  int third = 3;
};

struct MoveOnly {
  std::unique_ptr<int> first = {};
  Inner second = {};
};

struct ManyFields {
  int a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, b0, b1, b2, b3, b4, b5, b6, b7,
      b8, b9, c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, d0, d1, d2, d3, d4, d5,
      d6, d7, d8, d9, e0, e1, e2, e3, e4, e5, e6, e7, e8, e9, f0, f1, f2, f3,
      f4, f5, f6, f7, f8, f9, g0, g1, g2;
  std::string last;
};

struct NamesThatLookLikeOthers {
  int T = 0;
  int value = 1;
  int pointer = 2;
  int p_ = 3;
  int x1 = 4;
  int operator_ = 5;
};

struct StaticsAndFunctions {
  static constexpr int count = 3;
  using Type = int;
  enum { kOne, kTwo };
  struct Nested {
    int z;
  };
  int first = 1;
  int get() const { return second; }
  int second = 2;
  Nested nested = {};
};

template <class T>
struct Template {
  T value = {};
  std::vector<T> list = {};
};

template <class F>
struct Of {
  F function;
  int after = 0;
};

struct UserFacing {
  static constexpr std::string_view class_name = "AnotherName";
  int value = 0;
};

struct Tokenizer {
  explicit Tokenizer(int n) : size(n) {}
  int size;
};

TEST(NumFields, CountsTheFieldsOnly) {
  static_assert(num_fields<Empty>() == 0);
  static_assert(num_fields<One>() == 1);
  static_assert(num_fields<Inner>() == 2);
  static_assert(num_fields<Everything>() == 21);
  static_assert(num_fields<Recursive>() == 3);
  static_assert(num_fields<HoldsGreedy>() == 3);
  static_assert(num_fields<MoveOnly>() == 2);
  static_assert(num_fields<StaticsAndFunctions>() == 3);
  static_assert(num_fields<Template<Inner>>() == 2);
}

TEST(FieldNames, InTheOrderOfDeclaration) {
  EXPECT_EQ(names<Empty>(), Names{});
  EXPECT_EQ(names<One>(), Names{"only"});
  EXPECT_EQ(
      names<Everything>(),
      (Names{"required", "flag",    "number",   "mode",   "text",   "inner",
             "pair",     "inners",  "list",     "map",    "tuple",  "two",
             "optional", "variant", "function", "unique", "shared", "tensor",
             "variable", "pointer", "name"}));
  EXPECT_EQ(names<Recursive>(), (Names{"children", "next", "value"}));
  EXPECT_EQ(names<HoldsGreedy>(), (Names{"first", "second", "third"}));
  EXPECT_EQ(names<MoveOnly>(), (Names{"first", "second"}));
  EXPECT_EQ(names<NamesThatLookLikeOthers>(),
            (Names{"T", "value", "pointer", "p_", "x1", "operator_"}));
  EXPECT_EQ(names<StaticsAndFunctions>(), (Names{"first", "second", "nested"}));
  EXPECT_EQ(names<Template<Everything>>(), (Names{"value", "list"}));
}

TEST(FieldNames, OfALocalStruct) {
  struct Local {
    int here = 0;
    Inner there = {};
  };
  EXPECT_EQ(names<Local>(), (Names{"here", "there"}));
  EXPECT_EQ(class_name<Local>(), "Local");
}

TEST(FieldNames, SixtyFourFieldsAreFine) {
  static_assert(num_fields<ManyFields>() == 64);
  static_assert(field_name<ManyFields, 0> == "a0");
  static_assert(field_name<ManyFields, 62> == "g2");
  static_assert(field_name<ManyFields, 63> == "last");
}

TEST(FieldTypes, AreTheDeclaredOnes) {
  static_assert(std::is_same_v<field_type<Inner, 1>, double>);
  static_assert(std::is_same_v<field_type<Everything, 0>, Required<int64_t>>);
  static_assert(
      std::is_same_v<field_type<Everything, 7>, std::array<Inner, 2>>);
  static_assert(std::is_same_v<field_type<Everything, 18>, Variable>);
  static_assert(std::is_same_v<field_type<Everything, 19>, const char*>);
}

TEST(Fields, AreReferencesIntoTheObject) {
  Everything object{.required = 5};
  EXPECT_EQ(&reflect::field<0>(object), &object.required);
  EXPECT_EQ(&reflect::field<5>(object), &object.inner);
  EXPECT_EQ(&reflect::field<20>(object), &object.name);
  reflect::field<1>(object) = false;
  EXPECT_FALSE(object.flag);
  const Everything& constant = object;
  static_assert(
      std::is_same_v<decltype(reflect::field<5>(constant)), const Inner&>);
  EXPECT_EQ(&reflect::field<5>(constant), &object.inner);
}

TEST(ForEachField, VisitsNamesAndFieldsInOrder) {
  Inner inner{.x = 3, .y = 4};
  std::string text;
  reflect::for_each_field(inner, [&](std::string_view name, auto& field) {
    text += std::string(name) + "=" + std::to_string(field) + " ";
    field += 1;
  });
  EXPECT_EQ(text, "x=3 y=4.000000 ");
  EXPECT_EQ(inner.x, 4);
  EXPECT_EQ(inner.y, 5.0);
  const Inner constant = inner;
  double sum = 0;
  reflect::for_each_field(constant, [&](std::string_view, const auto& field) {
    sum += static_cast<double>(field);
  });
  EXPECT_EQ(sum, 9.0);
  int visits = 0;
  Empty empty;
  reflect::for_each_field(empty, [&](std::string_view, auto&) { ++visits; });
  EXPECT_EQ(visits, 0);
}

TEST(ForEachField, WorksAtCompileTime) {
  constexpr int sum = [] {
    struct Pair {
      int a = 3;
      int b = 4;
    };
    Pair pair;
    int total = 0;
    reflect::for_each_field(
        pair, [&](std::string_view, int& field) { total += field; });
    return total;
  }();
  static_assert(sum == 7);
}

TEST(ClassName, HasNoNamespacesAndArguments) {
  EXPECT_EQ(class_name<Inner>(), "Inner");
  EXPECT_EQ(class_name<reflect_test::Plain>(), "Plain");
  EXPECT_EQ((class_name<reflect_test::Conv<double, 3>>()), "Conv");
  EXPECT_EQ((class_name<reflect_test::Conv<reflect_test::Plain, 3>>()), "Conv");
  EXPECT_EQ((class_name<Template<std::map<int, reflect_test::Plain>>>()),
            "Template");
  EXPECT_EQ(class_name<StaticsAndFunctions::Nested>(), "Nested");
}

TEST(ClassName, AClassMaySayAnother) {
  EXPECT_EQ(class_name<UserFacing>(), "AnotherName");
}

TEST(TypeName, IsTheFullName) {
  EXPECT_EQ(reflect::type_name<reflect_test::Plain>,
            "snt::reflect_test::Plain");
  EXPECT_EQ(reflect::type_name<int>, "int");
  EXPECT_EQ(reflect::type_name<at::Tensor>, "at::Tensor");
}

TEST(IsForeign, StdAtC10AndLambdas) {
  const auto lambda = [n = 1] { return n; };
  static_assert(reflect::is_foreign<std::string>());
  static_assert(reflect::is_foreign<std::vector<Inner>>());
  static_assert(reflect::is_foreign<at::Tensor>());
  static_assert(reflect::is_foreign<c10::Device>());
  static_assert(reflect::is_foreign<decltype(lambda)>());
  static_assert(!reflect::is_foreign<Inner>());
  static_assert(!reflect::is_foreign<reflect_test::Plain>());
  static_assert(!reflect::is_foreign<Template<std::string>>());
  static_assert(!reflect::is_foreign<Variable>());
}

TEST(IsForeign, AStructThatALambdaIsPartOfIsNot) {
  const auto lambda = [] { return 1; };
  static_assert(!reflect::is_foreign<Of<decltype(lambda)>>());
  EXPECT_EQ(class_name<Of<decltype(lambda)>>(), "Of");
  EXPECT_EQ(names<Of<decltype(lambda)>>(), (Names{"function", "after"}));
  [](auto) {
    struct InALambda {
      int x = 0;
    };
    static_assert(!reflect::is_foreign<InALambda>());
    EXPECT_EQ(class_name<InALambda>(), "InALambda");
    EXPECT_EQ(names<InALambda>(), Names{"x"});
    const auto inner = [](int i) { return i; };
    static_assert(reflect::is_foreign<decltype(inner)>());
  }(lambda);
}

TEST(Readable, PlainStructsAre) {
  static_assert(reflect::readable<Empty>());
  static_assert(reflect::readable<Everything>());
  static_assert(reflect::readable<Recursive>());
  static_assert(reflect::readable<ManyFields>());
  static_assert(reflect::readable<Template<MoveOnly>>());
}

}  // namespace

template <>
inline constexpr bool opaque<Tokenizer> = true;

namespace {

TEST(Opaque, IsFalseUnlessSaidOtherwise) {
  static_assert(opaque<Tokenizer>);
  static_assert(!opaque<Inner>);
  static_assert(!opaque<Variable>);
  static_assert(!opaque<int>);
}

}  // namespace
}  // namespace snt
