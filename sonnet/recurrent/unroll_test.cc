#include "sonnet/recurrent/unroll.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include "sonnet/core/errors.h"
#include "sonnet/recurrent/lstm.h"
#include "sonnet/testing/message_of.h"

namespace snt::unroll_test {
namespace {

struct PairInput {
  at::Tensor left, right;
};
struct ProductState {
  at::Tensor total;  // [B, 1]
  at::Tensor steps;  // Without dimensions.
};
struct ProductOutput {
  at::Tensor sum;
  std::vector<at::Tensor> more;
};

// total += left * right; the output tells everything.
struct ProductCore {
  std::string name = {};

  std::pair<ProductOutput, ProductState> operator()(
      const PairInput& x, const ProductState& state) const {
    const at::Tensor total = state.total + x.left * x.right;
    return {{total, {state.steps + 1, total * 10}}, {total, state.steps + 1}};
  }
  ProductState initial_state(int64_t batch_size) const {
    return {at::zeros({batch_size, 1}), at::zeros({})};
  }
};

// [T, B, 1] of numbers that are all different.
at::Tensor numbers(int64_t steps, int64_t batch, double first = 1) {
  return (at::arange(steps * batch, at::kFloat) + first)
      .reshape({steps, batch, 1});
}

TEST(StaticUnroll, CarriesNestsThroughAllSteps) {
  const ProductCore core;
  const PairInput x{numbers(3, 2), numbers(3, 2, 7)};
  const auto [y, state] = static_unroll(core, x, core.initial_state(2));
  const at::Tensor want = (x.left * x.right).cumsum(0);
  EXPECT_TRUE(at::equal(y.sum, want));
  EXPECT_TRUE(at::equal(y.more[0], at::tensor({1.0f, 2.0f, 3.0f})));
  EXPECT_TRUE(at::equal(y.more[1], want * 10));
  EXPECT_TRUE(at::equal(state.total, want[2]));
  EXPECT_EQ(state.steps.item<float>(), 3);
}

// Sequence 0 has no step, 1 has two, 2 all three; numbers without dimensions
// always go on.
TEST(StaticUnroll, EndedSequencesRepeatTheirLastOutputAndKeepTheirState) {
  const ProductCore core;
  const PairInput x{numbers(3, 3), numbers(3, 3, 7)};
  ProductState start = core.initial_state(3);
  start.total = start.total + 5;
  const auto [y, state] =
      static_unroll(core, x, start, at::tensor({0, 2, 3}, at::kInt));
  const at::Tensor all = (x.left * x.right).cumsum(0) + 5;
  at::Tensor want = all.clone();
  want.select(1, 0).zero_();  // Never an output: zeros.
  want[2][1] = all[1][1];
  EXPECT_TRUE(at::equal(y.sum, want));
  EXPECT_TRUE(at::equal(y.more[1], want * 10));
  EXPECT_TRUE(at::equal(y.more[0], at::tensor({1.0f, 2.0f, 3.0f})));
  EXPECT_EQ(state.total[0].item<float>(), 5);
  EXPECT_TRUE(at::equal(state.total[1], all[1][1]));
  EXPECT_TRUE(at::equal(state.total[2], all[2][2]));
  EXPECT_EQ(state.steps.item<float>(), 3);
}

TEST(StaticUnroll, LengthsMayBeAnyIntegers) {
  const ProductCore core;
  const PairInput x{numbers(3, 2), numbers(3, 2, 7)};
  const auto full = static_unroll(core, x, core.initial_state(2));
  // Beyond the end, exactly the end, one for all.
  for (const at::Tensor& lengths :
       {at::tensor({9, 3}), at::tensor({3, 3}, at::kInt),
        at::scalar_tensor(3, at::kLong)}) {
    const auto got = static_unroll(core, x, core.initial_state(2), lengths);
    EXPECT_TRUE(at::equal(got.first.sum, full.first.sum));
  }
  const auto none =
      static_unroll(core, x, core.initial_state(2), at::tensor({-1, 0}));
  EXPECT_FALSE(none.first.sum.any().item<bool>());
  EXPECT_FALSE(none.second.total.any().item<bool>());
}

TEST(StaticUnroll, GradientsStopWhereASequenceEnded) {
  const ProductCore core;
  PairInput x{numbers(3, 2), numbers(3, 2, 7)};
  x.left.set_requires_grad(true);
  const auto [y, state] =
      static_unroll(core, x, core.initial_state(2), at::tensor({1, 3}));
  const at::Tensor gradient = torch::autograd::grad({y.sum.sum()}, {x.left})[0];
  // Sequence 0: its one output comes three times; 1: step t is in 3 - t sums.
  const at::Tensor weight =
      at::tensor({3.0f, 3.0f, 0.0f, 2.0f, 0.0f, 1.0f}).reshape({3, 2, 1});
  EXPECT_TRUE(at::equal(gradient, weight * x.right));
}

TEST(DynamicUnroll, TakesAnyFunction) {
  const auto running_sum = [](const at::Tensor& x, const at::Tensor& sum) {
    return std::pair(2 * (x + sum), x + sum);
  };
  const at::Tensor x = numbers(4, 2);
  const auto [y, state] =
      dynamic_unroll(running_sum, x, at::zeros({2, 1}), {},
                     /*parallel_iterations=*/8, /*swap_memory=*/true);
  EXPECT_TRUE(at::equal(y, 2 * x.cumsum(0)));
  EXPECT_TRUE(at::equal(state, x.sum(0)));
}

TEST(DynamicUnroll, ErasedCoresGiveTheSame) {
  const LSTM lstm{5};
  const at::Tensor x = at::randn({4, 3, 2});
  const at::Tensor lengths = at::tensor({4, 1, 0});
  const auto [want, last] =
      static_unroll(lstm, x, lstm.initial_state(3), lengths);
  const Core core = lstm;
  // A typed state for an erased core, and a nest for a typed one.
  const auto [y, state] =
      dynamic_unroll(core, x, lstm.initial_state(3), lengths);
  EXPECT_TRUE(at::equal(y, want));
  EXPECT_TRUE(at::equal(state.at("cell").tensor(), last.cell));
  const auto again = dynamic_unroll(lstm, x, core.initial_state(3), lengths);
  EXPECT_TRUE(at::equal(again.first, want));
  // Nests in and out.
  const Core products = ProductCore{};
  const PairInput pair{numbers(3, 2), numbers(3, 2, 7)};
  const auto [nest, counts] =
      dynamic_unroll(products, to_nest(pair), products.initial_state(2));
  EXPECT_TRUE(at::equal(nest.at("more").at(1).tensor(),
                        (pair.left * pair.right).cumsum(0) * 10));
}

TEST(DynamicUnroll, EmptyBatchesAndOutputs) {
  const auto core = [](const at::Tensor& x, const at::Tensor& state) {
    return std::pair(x.slice(1, 0, 0), state);
  };
  const auto [y, state] =
      dynamic_unroll(core, at::ones({3, 2, 4}), at::zeros({2, 1}));
  EXPECT_EQ(y.sizes(), (at::IntArrayRef{3, 2, 0}));
  const auto empty = dynamic_unroll(
      core, at::ones({3, 0, 4}), at::zeros({0, 1}), at::zeros({0}, at::kInt));
  EXPECT_EQ(empty.first.sizes(), (at::IntArrayRef{3, 0, 0}));
}

// A core that knows how to do whole sequences without lengths.
struct FastSum {
  std::string name = {};

  std::pair<at::Tensor, at::Tensor> operator()(const at::Tensor& x,
                                               const at::Tensor& sum) const {
    return {x + sum, x + sum};
  }
  at::Tensor initial_state(int64_t batch_size) const {
    return at::zeros({batch_size, 1});
  }
  std::optional<std::pair<at::Tensor, at::Tensor>> unroll_(
      const at::Tensor& x, const at::Tensor& start) const {
    if (x.size(0) < 2) return std::nullopt;
    const at::Tensor y = x.cumsum(0) + start + 1000;  // To tell it apart.
    return std::pair(y, y[-1]);
  }
};

TEST(DynamicUnroll, AsksACoreForTheWholeSequence) {
  const FastSum fast;
  const Core core = fast;
  const at::Tensor x = numbers(3, 2);
  const at::Tensor start = fast.initial_state(2);
  EXPECT_TRUE(
      at::equal(dynamic_unroll(fast, x, start).first, x.cumsum(0) + 1000));
  EXPECT_TRUE(
      at::equal(dynamic_unroll(core, x, start).first, x.cumsum(0) + 1000));
  // Not where it declines, nor with lengths.
  EXPECT_TRUE(at::equal(dynamic_unroll(fast, x.slice(0, 0, 1), start).first,
                        x.slice(0, 0, 1)));
  EXPECT_TRUE(at::equal(
      dynamic_unroll(core, x, start, at::tensor({3, 3})).first, x.cumsum(0)));
}

// One that takes lengths, too.
struct FastCount {
  std::string name = {};

  std::pair<at::Tensor, at::Tensor> operator()(const at::Tensor& x,
                                               const at::Tensor& sum) const {
    return {x + sum, x + sum};
  }
  at::Tensor initial_state(int64_t batch_size) const {
    return at::zeros({batch_size, 1});
  }
  std::optional<std::pair<at::Tensor, at::Tensor>> unroll_(
      const at::Tensor& x, const at::Tensor& start,
      const at::Tensor& sequence_length) const {
    if (!sequence_length.defined()) return std::nullopt;
    return std::pair(x + 1000, start + sequence_length.unsqueeze(1));
  }
};

TEST(DynamicUnroll, GivesLengthsToACoreThatTakesThem) {
  const FastCount fast;
  const at::Tensor x = numbers(3, 2);
  const at::Tensor start = fast.initial_state(2);
  for (const Core& core : {Core(fast), Core(Core(fast))}) {
    const auto [y, last] = dynamic_unroll(core, x, start, at::tensor({1, 5}));
    EXPECT_TRUE(at::equal(y, x + 1000));
    EXPECT_TRUE(
        at::equal(last.tensor(), at::tensor({1.0f, 5.0f}).unsqueeze(1)));
  }
  const at::Tensor two = at::scalar_tensor(2, at::kInt);  // For all.
  EXPECT_TRUE(at::equal(dynamic_unroll(fast, x, start, two).second,
                        at::full({2, 1}, 2.0)));
  EXPECT_TRUE(at::equal(dynamic_unroll(fast, x, start).first, x.cumsum(0)));
}

TEST(HoldBack, RepeatsTheLastOutput) {
  const at::Tensor y = numbers(3, 3).expand({3, 3, 2});
  const at::Tensor got = detail::hold_back(at::tensor({0, 2, 4}), y);
  at::Tensor want = y.clone();
  want.select(1, 0).zero_();
  want[2][1] = y[1][1];
  EXPECT_TRUE(at::equal(got, want));
  const at::Tensor numbers_only = at::ones({3});
  EXPECT_TRUE(detail::hold_back(at::tensor({0, 2, 4}), numbers_only)
                  .is_same(numbers_only));
  EXPECT_TRUE(detail::hold_back({}, y).is_same(y));
}

TEST(StaticUnroll, RefusesWhatDoesNotFit) {
  const ProductCore core;
  const auto unroll = [&](const at::Tensor& left, const at::Tensor& right,
                          const at::Tensor& lengths = {}) {
    static_unroll(core, PairInput{left, right}, core.initial_state(2), lengths);
  };
  const at::Tensor x = numbers(3, 2);
  EXPECT_EQ(
      message_of([&] { unroll(x, numbers(4, 2)); }),
      "[static_unroll] input_sequence tensors must have consistent number "
      "of time steps, got 3 and 4");
  EXPECT_EQ(message_of([&] { unroll(numbers(0, 2), numbers(0, 2)); }),
            "[static_unroll] input_sequence must have at least a single time "
            "step");
  EXPECT_EQ(message_of([&] { unroll(at::ones({}), x); }),
            "[static_unroll] input_sequence must be of shape [time, batch, "
            "...], got a tensor without dimensions");
  EXPECT_EQ(message_of<TypeError>([&] { unroll(x, x, at::ones({2})); }),
            "[static_unroll] sequence_length must be integers, got float32");
  EXPECT_EQ(message_of([&] {
              unroll(x, x, at::tensor({1, 2, 3}));
            }),
            "[static_unroll] sequence_length must have shape [batch], got [3] "
            "for an input_sequence of shape [3, 2, 1]");
  const auto nothing = [](const std::tuple<>&, const at::Tensor& s) {
    return std::pair(s, s);
  };
  EXPECT_EQ(message_of([&] {
              dynamic_unroll(nothing, std::tuple<>(), at::zeros({2}));
            }),
            "[dynamic_unroll] input_sequence must have at least one tensor");
}

}  // namespace
}  // namespace snt::unroll_test
