#include "sonnet/core/nest.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

#include "sonnet/testing/message_of.h"

namespace snt::nest_test {
namespace {

using at::Tensor;

struct Empty {};

struct State {
  Tensor hidden = {};
  Tensor cell = {};
};

struct Mean {
  Tensor sum = {};
  Tensor count = {};
};

struct Batch {
  std::vector<State> states = {};
  std::map<std::string, std::tuple<int, Tensor>> by_name = {};
  std::array<double, 2> range = {};
  std::optional<bool> flag = {};
  std::string note = {};
};

// There and back.
template <class T>
T round_trip(const T& value) {
  return from_nest<T>(to_nest(value), "it");
}

template <class T>
std::string failure(const Nest& nest) {
  return message_of<TypeError>([&] { from_nest<T>(nest, "it"); });
}

TEST(Nest, SaysWhatItIs) {
  EXPECT_EQ(Nest().kind(), "None");
  EXPECT_EQ(Nest(at::ones({2, 3})).kind(), "a tensor [2, 3]");
  EXPECT_EQ(Nest(at::ones({})).kind(), "a tensor []");
  EXPECT_EQ(Nest(true).kind(), "True");
  EXPECT_EQ(Nest(7).kind(), "7");
  EXPECT_EQ(Nest(size_t{7}).kind(), "7");
  EXPECT_EQ(Nest(0.5f).kind(), "0.5");
  EXPECT_EQ(Nest(2.0).kind(), "2.0");
  EXPECT_EQ(Nest(std::string("text")).kind(), "'text'");
  EXPECT_EQ(Nest(Nest::List()).kind(), "a list of 0");
  EXPECT_EQ(Nest(Nest::List{1, 2}).kind(), "a list of 2");
  EXPECT_EQ(Nest(Nest::Dict()).kind(), "a dictionary of {}");
  EXPECT_EQ(Nest(Nest::Dict{{"a", 1}, {"b", 2}}).kind(),
            "a dictionary of {a, b}");
}

TEST(Nest, GivesItsEntries) {
  const Tensor x = at::ones({2});
  const Nest nest = Nest::Dict{{"a", Nest::List{3, x}}, {"b", Nest()}};
  EXPECT_TRUE(nest.at("a").at(1).tensor().is_same(x));
  EXPECT_TRUE(nest.at("b").is_none());
  EXPECT_EQ(nest.get_if<Tensor>(), nullptr);
  EXPECT_EQ(*nest.at("a").at(0).get_if<int64_t>(), 3);

  EXPECT_EQ(message_of<KeyError>([&] { nest.at("c"); }),
            "[Nest] there is no 'c' in a dictionary of {a, b}");
  EXPECT_EQ(message_of<KeyError>([&] { nest.at("a").at("c"); }),
            "[Nest] there is no 'c' in a list of 2");
  EXPECT_EQ(message_of<KeyError>([&] { nest.at("a").at(2); }),
            "[Nest] there is no entry 2 in a list of 2");
  EXPECT_EQ(message_of<KeyError>([&] { Nest(x).at(0); }),
            "[Nest] there is no entry 0 in a tensor [2]");
  EXPECT_EQ(message_of<TypeError>([&] { nest.tensor(); }),
            "[Nest] must be a tensor, got a dictionary of {a, b}");
}

TEST(Nest, EmptyThingsComeBack) {
  EXPECT_EQ(to_nest(Empty()).kind(), "a dictionary of {}");
  EXPECT_EQ(to_nest(std::tuple<>()).kind(), "a list of 0");
  EXPECT_TRUE(to_nest(nullptr).is_none());
  EXPECT_TRUE(to_nest(std::nullopt).is_none());
  EXPECT_TRUE(to_nest(std::monostate()).is_none());
  EXPECT_TRUE(to_nest(Tensor()).is_none());
  EXPECT_FALSE(round_trip(Tensor()).defined());
  EXPECT_EQ(round_trip(std::optional<int>()), std::nullopt);
  EXPECT_TRUE(round_trip(std::vector<Tensor>()).empty());
  EXPECT_TRUE((round_trip(std::map<std::string, Tensor>()).empty()));
  round_trip(Empty());
  round_trip(std::tuple<>());
  round_trip(std::monostate());
  EXPECT_TRUE(round_trip(Nest()).is_none());
}

TEST(Nest, StaticNestsComeBack) {
  Batch batch;
  batch.states = {{at::ones({1}), at::ones({2})}, {at::ones({3}), Tensor()}};
  batch.by_name = {{"a", {1, at::ones({4})}}, {"b", {2, at::ones({5})}}};
  batch.range = {-1.5, 2};
  batch.flag = false;
  batch.note = "note";
  const Batch result = round_trip(batch);
  ASSERT_EQ(result.states.size(), 2u);
  EXPECT_TRUE(result.states[0].cell.is_same(batch.states[0].cell));
  EXPECT_TRUE(result.states[1].hidden.is_same(batch.states[1].hidden));
  EXPECT_FALSE(result.states[1].cell.defined());
  ASSERT_EQ(result.by_name.size(), 2u);
  EXPECT_EQ(std::get<0>(result.by_name.at("b")), 2);
  EXPECT_TRUE(std::get<1>(result.by_name.at("a"))
                  .is_same(std::get<1>(batch.by_name.at("a"))));
  EXPECT_EQ(result.range, batch.range);
  EXPECT_EQ(result.flag, std::optional(false));
  EXPECT_EQ(result.note, "note");
  EXPECT_EQ(to_nest(batch).kind(),
            "a dictionary of {states, by_name, range, flag, note}");
  EXPECT_EQ(round_trip(std::vector<bool>{true, false, true}),
            (std::vector<bool>{true, false, true}));
  EXPECT_EQ(round_trip(std::pair<int, std::string>(3, "x")),
            (std::pair<int, std::string>(3, "x")));
  const int64_t big = std::numeric_limits<int64_t>::min();
  EXPECT_EQ(round_trip(big), big);
}

TEST(Nest, NumbersConvertOnlyWhereNothingIsLost) {
  EXPECT_EQ(from_nest<double>(Nest(3), "it"), 3.0);
  EXPECT_EQ(from_nest<float>(Nest(0.5), "it"), 0.5f);
  EXPECT_EQ(failure<int>(Nest(3.0)), "[it] must be an integer, got 3.0");
  EXPECT_EQ(failure<int>(Nest(true)), "[it] must be an integer, got True");
  EXPECT_EQ(failure<bool>(Nest(1)), "[it] must be a bool, got 1");
  EXPECT_EQ(failure<double>(Nest(true)), "[it] must be a number, got True");
}

TEST(Nest, ErrorsNameThePlace) {
  EXPECT_EQ(failure<Tensor>(Nest(3)), "[it] must be a tensor, got 3");
  EXPECT_EQ(failure<std::string>(Nest()), "[it] must be a string, got None");
  EXPECT_EQ(failure<std::vector<int>>(Nest(3)), "[it] must be a list, got 3");
  EXPECT_EQ(failure<std::vector<int>>(Nest::List{1, 2.5}),
            "[it/1] must be an integer, got 2.5");
  EXPECT_EQ((failure<std::tuple<int, int>>(Nest::List{1})),
            "[it] must be a list of 2, got a list of 1");
  EXPECT_EQ((failure<std::tuple<int, int>>(Nest::List{1, Nest()})),
            "[it/1] must be an integer, got None");
  EXPECT_EQ((failure<std::array<int, 1>>(Nest::List{})),
            "[it] must be a list of 1, got a list of 0");
  EXPECT_EQ((failure<std::map<std::string, int>>(Nest::List{})),
            "[it] must be a dictionary, got a list of 0");
  EXPECT_EQ((failure<std::map<std::string, int>>(Nest::Dict{{"k", 1.5}})),
            "[it/k] must be an integer, got 1.5");
  EXPECT_EQ(failure<std::monostate>(Nest(1)), "[it] must be None, got 1");
  EXPECT_EQ(failure<State>(at::ones({2})),
            "[it] must be a State of 2 fields, got a tensor [2]");
  EXPECT_EQ(failure<State>(Nest::Dict{{"hidden", at::ones({2})}}),
            "[it] must be a State of 2 fields, got a dictionary of {hidden}");
  EXPECT_EQ(
      failure<State>(Nest::Dict{{"hidden", at::ones({2})}, {"cell", 1.0}}),
      "[it/cell] must be a tensor, got 1.0");
  EXPECT_EQ(failure<State>(to_nest(Mean())),
            "[it] must be a State with a field 'hidden', got a dictionary of "
            "{sum, count}");
}

TEST(Nest, FieldsOfAStructMayComeInAnyOrder) {
  const Tensor hidden = at::ones({2}), cell = at::ones({3});
  const State state =
      from_nest<State>(Nest::Dict{{"cell", cell}, {"hidden", hidden}}, "it");
  EXPECT_TRUE(state.hidden.is_same(hidden));
  EXPECT_TRUE(state.cell.is_same(cell));
}

TEST(Nest, VariantsTakeTheFirstAlternativeThatFits) {
  using V = std::variant<std::monostate, State, Mean, int, double, Tensor>;
  EXPECT_EQ(round_trip(V()).index(), 0u);
  EXPECT_EQ(round_trip(V(State{at::ones({1}), at::ones({2})})).index(), 1u);
  EXPECT_EQ(round_trip(V(Mean{at::ones({1}), at::ones({2})})).index(), 2u);
  EXPECT_EQ(round_trip(V(3)).index(), 3u);
  EXPECT_EQ(round_trip(V(3.5)).index(), 4u);
  EXPECT_EQ(round_trip(V(at::ones({2}))).index(), 5u);
  EXPECT_EQ(failure<V>(Nest(true)),
            "[it] must be one of the accepted kinds of value, got True");
}

TEST(Nest, GoesThroughJson) {
  const Nest nest = Nest::List{at::arange(3, at::kHalf),
                               0.5,
                               Nest(),
                               true,
                               std::string("text"),
                               Nest::Dict{{"hidden", 2}, {"cell", Nest()}},
                               Nest::Dict{{"x", 1}}};
  const Config config = ConfigTraits<Nest>::to(nest);
  EXPECT_EQ(to_repr(config),
            "[[0.0, 1.0, 2.0],\n 0.5,\n None,\n True,\n 'text',\n "
            "LSTMState(hidden=2, cell=None),\n {'x': 1}]");
  const std::string json = to_json(config);
  const Nest again = ConfigTraits<Nest>::from(parse_json(json), "nest");
  EXPECT_EQ(to_json(ConfigTraits<Nest>::to(again)), json);
  EXPECT_TRUE(at::equal(again.at(0).tensor(), nest.at(0).tensor()));
  EXPECT_EQ(again.at(0).tensor().scalar_type(), at::kHalf);
  EXPECT_EQ(*again.at(5).at("hidden").get_if<int64_t>(), 2);
}

}  // namespace
}  // namespace snt::nest_test
