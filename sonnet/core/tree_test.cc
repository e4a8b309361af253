#include "sonnet/core/tree.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <array>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "sonnet/testing/message_of.h"

namespace snt::tree_test {
namespace {

using at::Tensor;

struct Empty {};

struct State {
  Tensor hidden = {};
  Tensor cell = {};
};

// One of each kind of nest, and leaves that are no tensors between them.
struct Batch {
  Tensor x = {};
  int count = 0;
  std::pair<Tensor, int> pair = {};
  std::array<Tensor, 2> two = {};
  std::string note = {};
  std::vector<State> states = {};
  std::map<std::string, Tensor> by_name = {};
  std::optional<Tensor> mask = {};
  std::tuple<> nothing = {};
  std::vector<bool> bits = {};
  Nest nest = {};
};

// Leaf i has i + 1 columns and values of its own, all unlike those of another
// `start`.
Batch make_batch(int rows, double start) {
  int columns = 0;
  const auto leaf = [&] {
    ++columns;
    return at::arange(rows * columns, at::kDouble)
        .reshape({rows, columns})
        .add(start + 100 * columns);
  };
  Batch batch;
  batch.count = 7;
  batch.note = "note";
  batch.bits = {true, false};
  batch.x = leaf();
  batch.pair = {leaf(), 3};
  batch.two = {leaf(), leaf()};
  batch.states = {{leaf(), leaf()}, {Tensor(), leaf()}};
  batch.by_name = {{"a", leaf()}, {"b", leaf()}};
  batch.mask = leaf();
  batch.nest = Nest::Dict{{"k", Nest::List{leaf(), 5, Nest()}}};
  return batch;
}

const std::vector<std::string>& paths() {
  static const auto* result = new std::vector<std::string>{"x",
                                                           "pair/0",
                                                           "two/0",
                                                           "two/1",
                                                           "states/0/hidden",
                                                           "states/0/cell",
                                                           "states/1/cell",
                                                           "by_name/a",
                                                           "by_name/b",
                                                           "mask",
                                                           "nest/k/0"};
  return *result;
}

TEST(Tree, OfNothingHasNoLeaves) {
  const auto expect_empty = [](const auto& tree) {
    EXPECT_TRUE(tree::flatten(tree).empty());
    int calls = 0;
    tree::map([&](const Tensor& x) { return ++calls, x; }, tree);
    EXPECT_EQ(calls, 0);
    tree::unflatten(tree, {});
    tree::assert_same_structure(tree, tree);
    tree::stack(std::vector{tree, tree});
    tree::index(tree, 3);
    tree::detach(tree);
    tree::to(tree, at::kDouble);
    tree::where(at::ones({2}, at::kBool), tree, tree);
  };
  expect_empty(Empty());
  expect_empty(Tensor());
  expect_empty(std::tuple<>());
  expect_empty(std::vector<Tensor>());
  expect_empty(std::array<State, 0>());
  expect_empty(std::map<std::string, Tensor>());
  expect_empty(std::optional<Tensor>());
  expect_empty(std::make_pair(1, std::string("text")));
  expect_empty(Nest());
  expect_empty(Nest(Nest::List()));
  expect_empty(Nest(Nest::Dict()));
  expect_empty(Nest(2.5));
  expect_empty(Batch());
  expect_empty(3);
}

TEST(Tree, FlattensInTheOrderOfDeclarationWithPaths) {
  const Batch batch = make_batch(2, 0);
  const std::vector<Tensor> leaves = tree::flatten(batch);
  ASSERT_EQ(leaves.size(), paths().size());
  for (size_t i = 0; i < leaves.size(); ++i) {
    EXPECT_EQ(leaves[i].size(1), static_cast<int64_t>(i + 1));
  }
  size_t next = 0;
  tree::for_each(
      [&](const std::string& path, const Tensor& leaf) {
        EXPECT_EQ(path, paths().at(next));
        EXPECT_TRUE(leaf.is_same(leaves.at(next)));
        ++next;
      },
      batch);
  EXPECT_EQ(next, leaves.size());

  const Tensor alone = at::ones({2});
  EXPECT_TRUE(tree::flatten(alone).at(0).is_same(alone));
  tree::for_each(
      [](const std::string& path, const Tensor&) { EXPECT_EQ(path, ""); },
      alone);
}

TEST(Tree, MapKeepsTheStructureAndTheOtherLeaves) {
  const Batch batch = make_batch(2, 0);
  const std::vector<Tensor> before = tree::flatten(
      tree::map([](const Tensor& x) { return x.clone(); }, batch));
  const Batch result =
      tree::map([](const Tensor& x) { return 2 * x + 1; }, batch);
  const std::vector<Tensor> leaves = tree::flatten(result);
  ASSERT_EQ(leaves.size(), before.size());
  for (size_t i = 0; i < leaves.size(); ++i) {
    EXPECT_TRUE(at::equal(leaves[i], 2 * before[i] + 1)) << paths()[i];
    EXPECT_TRUE(at::equal(tree::flatten(batch)[i], before[i])) << paths()[i];
  }
  EXPECT_EQ(result.count, 7);
  EXPECT_EQ(result.note, "note");
  EXPECT_EQ(result.pair.second, 3);
  EXPECT_EQ(result.bits, (std::vector<bool>{true, false}));
  EXPECT_FALSE(result.states[1].hidden.defined());
  EXPECT_EQ(*result.nest.at("k").at(1).get_if<int64_t>(), 5);
  EXPECT_TRUE(result.nest.at("k").at(2).is_none());
}

TEST(Tree, MapOfThreeTreesTakesLeavesThatBelongTogether) {
  const Batch a = make_batch(2, 0);
  const Batch b = make_batch(2, 0.25);
  const Batch c = make_batch(2, 0.5);
  Batch other = b;
  other.count = 8;  // Only the first one's counts.
  const Batch result =
      tree::map([](const Tensor& x, const Tensor& y,
                   const Tensor& z) { return x + 10 * y - 100 * z; },
                a, other, c);
  const auto as = tree::flatten(a), bs = tree::flatten(b);
  const auto cs = tree::flatten(c), results = tree::flatten(result);
  for (size_t i = 0; i < as.size(); ++i) {
    EXPECT_TRUE(at::equal(results[i], as[i] + 10 * bs[i] - 100 * cs[i]));
  }
  EXPECT_EQ(result.count, 7);
}

TEST(Tree, UnflattenInvertsFlatten) {
  const Batch batch = make_batch(2, 0);
  std::vector<Tensor> leaves = tree::flatten(make_batch(3, 0.5));
  const Batch result = tree::unflatten(batch, leaves);
  const std::vector<Tensor> again = tree::flatten(result);
  for (size_t i = 0; i < leaves.size(); ++i) {
    EXPECT_TRUE(again[i].is_same(leaves[i]));
  }
  EXPECT_EQ(result.note, "note");
  leaves.pop_back();
  EXPECT_EQ(message_of([&] { tree::unflatten(batch, leaves); }),
            "[tree::unflatten] needs 11 tensors, got 10");
  EXPECT_EQ(message_of([&] { tree::unflatten(Empty(), leaves); }),
            "[tree::unflatten] needs 0 tensors, got 10");
}

// What assert_same_structure says of two batches, the second one changed.
template <class Change>
std::string difference(const Change& change) {
  const Batch a = make_batch(2, 0);
  Batch b = make_batch(3, 0.5);
  change(b);
  return message_of([&] { tree::assert_same_structure(a, b); });
}

TEST(Tree, ErrorsNameThePathAtWhichTreesDiffer) {
  EXPECT_EQ(difference([](Batch&) {}), "nothing was thrown");  // Shapes may.
  EXPECT_EQ(difference([](Batch& b) { b.x = Tensor(); }),
            "[tree] the trees differ at 'x': a tensor and no tensor");
  EXPECT_EQ(difference([](Batch& b) { b.states[1].hidden = at::ones({1}); }),
            "[tree] the trees differ at 'states/1/hidden': no tensor and a "
            "tensor");
  EXPECT_EQ(difference([](Batch& b) { b.states.pop_back(); }),
            "[tree] the trees differ at 'states': 2 entries and 1 entries");
  EXPECT_EQ(difference([](Batch& b) { b.by_name.erase("b"); }),
            "[tree] the trees differ at 'by_name/b': an entry and none");
  EXPECT_EQ(difference([](Batch& b) { b.by_name["c"] = at::ones({1}); }),
            "[tree] the trees differ at 'by_name': 2 keys and 3 keys");
  EXPECT_EQ(difference([](Batch& b) { b.mask.reset(); }),
            "[tree] the trees differ at 'mask': a value and no value");
  EXPECT_EQ(difference([](Batch& b) { b.nest = Nest::List(); }),
            "[tree] the trees differ at 'nest': a dictionary of {k} and a "
            "list of 0");
  EXPECT_EQ(difference([](Batch& b) {
              b.nest = Nest::Dict{{"j", at::ones({1})}};
            }),
            "[tree] the trees differ at 'nest': a dictionary of {k} and a "
            "dictionary of {j}");
  EXPECT_EQ(message_of([] {
              tree::map([](const Tensor& x, const Tensor&,
                           const Tensor&) { return x; },
                        std::vector{at::ones({1})}, std::vector{at::ones({1})},
                        std::vector<Tensor>());
            }),
            "[tree] the trees differ at '': 1 entries and 0 entries");
}

TEST(Tree, ComparesEveryKindOfNest) {
  const std::vector<Nest> kinds = {Nest(),       at::ones({2, 3}),
                                   Nest(3),      Nest::List{Nest()},
                                   Nest::List(), Nest::Dict{{"k", Nest()}}};
  for (size_t i = 0; i < kinds.size(); ++i) {
    for (size_t j = 0; j < kinds.size(); ++j) {
      const std::string expected =
          i == j ? "nothing was thrown"
          : i + j == 7 && i > 2 && i < 5
              ? "[tree] the trees differ at '': " + std::to_string(4 - i) +
                    " entries and " + std::to_string(4 - j) + " entries"
              : "[tree] the trees differ at '': " + kinds[i].kind() + " and " +
                    kinds[j].kind();
      EXPECT_EQ(
          message_of([&] { tree::assert_same_structure(kinds[i], kinds[j]); }),
          expected);
    }
  }
}

TEST(Tree, WhereChoosesByExample) {
  for (const int64_t rows : {0, 1, 3}) {
    const Tensor mask = at::arange(rows) % 2 == 0;
    const State a{at::rand({rows, 2}), at::rand({rows, 2, 3})};
    const State b{at::rand({rows, 2}), at::rand({rows, 2, 3})};
    const State result = tree::where(mask, a, b);
    ASSERT_EQ(result.hidden.sizes(), a.hidden.sizes());
    ASSERT_EQ(result.cell.sizes(), a.cell.sizes());
    for (int64_t i = 0; i < rows; ++i) {
      const State& chosen = i % 2 == 0 ? a : b;
      EXPECT_TRUE(at::equal(result.hidden[i], chosen.hidden[i]));
      EXPECT_TRUE(at::equal(result.cell[i], chosen.cell[i]));
    }
  }
  // Scalars are one for all examples.
  const State step = tree::where(at::zeros({2}, at::kBool),
                                 State{at::full({}, 1.0), at::ones({2})},
                                 State{at::full({}, 2.0), at::zeros({2})});
  EXPECT_EQ(step.hidden.item<double>(), 1.0);
  EXPECT_TRUE(at::equal(step.cell, at::zeros({2})));
}

TEST(Tree, WhereNamesTheLeafThatDoesNotFit) {
  const State a{at::ones({2, 3}), at::ones({2, 4})};
  const State narrow{at::ones({2, 3}), at::ones({2, 1})};
  EXPECT_EQ(
      message_of([&] { tree::where(at::ones({2}, at::kBool), a, narrow); }),
      "[tree::where] the leaves at 'cell' must have the same shape, got [2, 4] "
      "and [2, 1]");
  EXPECT_EQ(message_of([&] { tree::where(at::ones({3}, at::kBool), a, a); }),
            "[tree::where] mask must have shape [2] for the leaf at 'hidden', "
            "got [3]");
  EXPECT_EQ(
      message_of([&] {
        tree::where(at::ones({2, 1}, at::kBool), a, a);
      }),
      "[tree::where] mask must have shape [2] for the leaf at 'hidden', got "
      "[2, 1]");
}

TEST(Tree, IndexInvertsStackAlongEveryDimension) {
  const std::vector<Batch> batches = {make_batch(2, 0), make_batch(2, 0.25),
                                      make_batch(2, 0.5)};
  for (const int64_t dim : {0, 1, 2, -1}) {
    const Batch stacked = tree::stack(batches, dim);
    EXPECT_EQ(stacked.x.size(dim), 3);
    for (size_t i = 0; i < batches.size(); ++i) {
      const auto got =
          tree::flatten(tree::index(stacked, static_cast<int64_t>(i), dim));
      const auto expected = tree::flatten(batches[i]);
      for (size_t j = 0; j < got.size(); ++j) {
        EXPECT_TRUE(at::equal(got[j], expected[j])) << paths()[j];
      }
    }
  }
  EXPECT_EQ(tree::stack(std::vector{at::ones({0, 3})}).sizes(),
            (std::vector<int64_t>{1, 0, 3}));
}

TEST(Tree, StackNamesTheLeafThatDoesNotFit) {
  EXPECT_EQ(message_of([] { tree::stack(std::vector<State>()); }),
            "[tree::stack] needs at least one tree");
  const State a{at::ones({2}), at::ones({3})};
  const State b{at::ones({2}), at::ones({4})};
  EXPECT_EQ(message_of([&] {
              tree::stack(std::vector{a, b});
            }),
            "[tree::stack] the leaves at 'cell' must have one shape, got [3] "
            "and [4]");
  EXPECT_EQ(message_of([&] {
              tree::stack(std::vector{a, State{}});
            }),
            "[tree] the trees differ at 'hidden': a tensor and no tensor");
}

TEST(Tree, DetachCutsOffTheGraph) {
  const Tensor w = at::ones({2}).set_requires_grad(true);
  const State state{2 * w, w};
  const State result = tree::detach(state);
  EXPECT_FALSE(result.hidden.requires_grad());
  EXPECT_FALSE(result.cell.requires_grad());
  EXPECT_TRUE(at::equal(result.hidden, state.hidden));
  EXPECT_TRUE(state.hidden.requires_grad());
  EXPECT_TRUE(w.requires_grad());
}

TEST(Tree, ToConvertsFloatingLeavesOnly) {
  const std::vector<Tensor> tree = {at::ones({2}), at::ones({2}, at::kLong),
                                    at::ones({2}, at::kHalf)};
  const auto dtypes = [](const std::vector<Tensor>& leaves) {
    std::vector<at::ScalarType> result;
    for (const Tensor& leaf : leaves) result.push_back(leaf.scalar_type());
    return result;
  };
  EXPECT_EQ(dtypes(tree::to(tree, at::kDouble)),
            (std::vector{at::kDouble, at::kLong, at::kDouble}));
  EXPECT_EQ(dtypes(tree::to(tree, at::kCPU)), dtypes(tree));
  const auto moved =
      tree::to(tree, at::TensorOptions(at::kMeta).dtype(at::kDouble));
  EXPECT_EQ(dtypes(moved), (std::vector{at::kDouble, at::kLong, at::kDouble}));
  for (const Tensor& leaf : moved) EXPECT_TRUE(leaf.is_meta());
}

}  // namespace
}  // namespace snt::tree_test
