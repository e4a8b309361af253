#include "sonnet/recurrent/core.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "sonnet/core/errors.h"
#include "sonnet/core/variables.h"
#include "sonnet/layers/linear.h"
#include "sonnet/recurrent/lstm.h"
#include "sonnet/testing/message_of.h"

namespace snt::core_test {
namespace {

struct Halves {
  at::Tensor left, right;
};
struct CountingState {
  at::Tensor total;
  at::Tensor steps;  // Without dimensions.
};

// Nests everywhere: {left, right} -> ({"sum": ..., "steps": [...]},
// CountingState).
struct CountingCore {
  double scale = 1;
  std::string name = {};

  Linear mix{3};

  std::pair<std::map<std::string, at::Tensor>, CountingState> operator()(
      const Halves& x, const CountingState& state) const {
    const at::Tensor sum = mix(x.left) + x.right + scale * state.total;
    return {{{"sum", sum}, {"twice", 2 * sum}}, {sum, state.steps + 1}};
  }
  CountingState initial_state(int64_t batch_size) const {
    return {at::zeros({batch_size, 3}), at::zeros({})};
  }
};

static_assert(RecurrentCore<CountingCore>);
static_assert(RecurrentCore<LSTM>);
static_assert(RecurrentCore<Core>);
static_assert(!RecurrentCore<Linear>);
static_assert(!RecurrentCore<UnrolledRNN>);
static_assert(UnrolledCore<UnrolledRNN>);
static_assert(!UnrolledCore<LSTM>);

TEST(Core, GivesWhatTheHeldCoreGives) {
  const LSTM lstm{5};
  const Core core = lstm;
  const at::Tensor x = at::randn({2, 4});
  const auto [want, state] = lstm(x, lstm.initial_state(2));
  const auto [got, next] = core(x, core.initial_state(2));
  EXPECT_TRUE(at::equal(got, want));
  EXPECT_TRUE(at::equal(next.at("hidden").tensor(), state.hidden));
  EXPECT_TRUE(at::equal(next.at("cell").tensor(), state.cell));
  // Typed states may be given, too.
  EXPECT_TRUE(at::equal(core(x, state).first, lstm(x, state).first));
}

TEST(Core, TakesAndGivesNests) {
  const Core core = CountingCore{.scale = 0.5};
  const Halves x{at::randn({2, 4}), at::randn({2, 3})};
  const auto [first, state] = core(x, core.initial_state(2));
  const auto [second, last] = core(x, state);
  EXPECT_TRUE(
      at::allclose(second.at("sum").tensor(), 1.5 * first.at("sum").tensor()));
  EXPECT_TRUE(
      at::equal(second.at("twice").tensor(), 2 * second.at("sum").tensor()));
  EXPECT_EQ(last.at("steps").tensor().item<double>(), 2);
}

TEST(Core, ShowsWhatItHolds) {
  const Core core = CountingCore{.scale = 0.5};
  EXPECT_EQ(core.class_name(), "CountingCore");
  EXPECT_EQ(core.name(), "counting_core");
  EXPECT_EQ(Core(CountingCore{.name = "mine"}).name(), "mine");
  EXPECT_EQ(repr(core), "CountingCore(scale=0.5)");
  ASSERT_NE(core.get_if<CountingCore>(), nullptr);
  EXPECT_EQ(core.get_if<LSTM>(), nullptr);
  core(Halves{at::ones({2, 4}), at::ones({2, 3})}, core.initial_state(2));
  EXPECT_EQ(named_variables(core)[0].path, "mix/w");
}

TEST(Core, CopiesShareAndClonesDoNot) {
  const Core core = LSTM{3};
  const Core copy = core;
  core(at::ones({1, 2}), core.initial_state(1));
  EXPECT_TRUE(variables(copy)[0] == variables(core)[0]);
  const Core deep = clone(core);
  EXPECT_FALSE(variables(deep)[0] == variables(core)[0]);
  const at::Tensor x = at::randn({2, 2});
  EXPECT_TRUE(at::equal(deep(x, deep.initial_state(2)).first,
                        core(x, core.initial_state(2)).first));
}

TEST(Core, InitialStateMayBeOnAnyDevice) {
  const Core core = CountingCore{};
  const Nest state = core.initial_state(2, at::Device(at::kMeta));
  EXPECT_TRUE(state.at("total").tensor().is_meta());
  EXPECT_TRUE(core.initial_state(2).at("total").tensor().is_cpu());
}

TEST(Core, SaysWhatDoesNotFit) {
  const Core core = LSTM{3};
  const at::Tensor x = at::ones({2, 4});
  EXPECT_EQ(message_of<TypeError>([&] {
              core(x, at::zeros({2, 3}));
            }),
            "[LSTM argument 1] must be a LSTMState of 2 fields, got a tensor "
            "[2, 3]");
  const Core counting = CountingCore{};
  const Halves halves{x, at::ones({2, 3})};
  EXPECT_EQ(
      message_of<TypeError>(
          [&] { counting.step(to_nest(halves), core.initial_state(2)); }),
      "[CountingCore argument 1] must be a CountingState with a field 'total', "
      "got a dictionary of {hidden, cell}");
}

TEST(Core, ComesFromJson) {
  const Core core = make_core("LSTM", R"({"hidden_size": 3})");
  EXPECT_EQ(repr(core), "LSTM(hidden_size=3)");
  EXPECT_EQ(repr(from_config<Core>(parse_json(to_json(core.config())), "core")),
            "LSTM(hidden_size=3)");
  EXPECT_THROW(make_core("Linear", R"({"output_size": 3})"), ValueError);
}

// Runs whole sequences: the running sum.
struct RunningSum {
  static constexpr bool is_unrolled = true;
  std::string name = {};

  std::pair<at::Tensor, at::Tensor> operator()(const at::Tensor& x,
                                               const at::Tensor& start) const {
    const at::Tensor y = x.cumsum(0) + start;
    return {y, y[-1]};
  }
  at::Tensor initial_state(int64_t batch_size) const {
    return at::zeros({batch_size, 1});
  }
};
static_assert(UnrolledCore<RunningSum> && !RecurrentCore<RunningSum>);

TEST(UnrolledRNN, HoldsAWholeSequenceModule) {
  const UnrolledRNN rnn = RunningSum{};
  const auto [y, last] = rnn(at::ones({3, 2, 1}), rnn.initial_state(2));
  EXPECT_EQ(y.sizes(), (at::IntArrayRef{3, 2, 1}));
  EXPECT_TRUE(at::equal(last.tensor(), at::full({2, 1}, 3.0)));
  EXPECT_EQ(repr(rnn), "RunningSum()");
}

}  // namespace
}  // namespace snt::core_test
