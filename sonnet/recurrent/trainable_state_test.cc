#include "sonnet/recurrent/trainable_state.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include "sonnet/core/errors.h"
#include "sonnet/core/state.h"
#include "sonnet/core/variables.h"
#include "sonnet/recurrent/gru.h"
#include "sonnet/recurrent/lstm.h"
#include "sonnet/recurrent/unroll.h"
#include "sonnet/testing/message_of.h"

namespace snt::trainable_state_test {
namespace {

std::vector<std::string> state_paths(const TrainableState& state) {
  std::vector<std::string> paths;
  for (const auto& found : named_variables(state)) paths.push_back(found.path);
  return paths;
}

TEST(TrainableState, RepeatsItsVariablesForEachExample) {
  const at::Tensor a = at::randn({3}), b = at::randn({2, 2});
  const TrainableState state{Nest::List{a, Nest::Dict{{"x", b}, {"y", 0.5}}}};
  const Nest got = state(4);
  EXPECT_TRUE(at::equal(got.at(0).tensor(), a.expand({4, 3})));
  EXPECT_TRUE(at::equal(got.at(1).at("x").tensor(), b.expand({4, 2, 2})));
  EXPECT_TRUE(at::equal(got.at(1).at("y").tensor(), at::full({4}, 0.5)));
  EXPECT_EQ(
      state_paths(state),
      (std::vector<std::string>{"template/0", "template/1/x", "template/1/y"}));
  EXPECT_EQ(state(0).at(0).tensor().sizes(), (at::IntArrayRef{0, 3}));
  EXPECT_EQ(message_of([&] { state(-1); }),
            "[TrainableState] batch_size must be >= 0, got -1");
}

TEST(TrainableState, IsTrained) {
  const TrainableState state{Nest(at::ones({3}))};
  EXPECT_EQ((state(2), state_paths(state)),
            std::vector<std::string>{"template"});
  const auto variables = trainable_variables(state);
  const at::Tensor weight = at::randn({2, 3});
  const at::Tensor loss = (state(2).tensor() * weight).sum();
  const auto gradient = torch::autograd::grad({loss}, {variables[0].value()});
  EXPECT_TRUE(at::allclose(gradient[0], weight.sum(0, true)));
  // The initial value is not the variable.
  variables[0].assign(at::zeros({1, 3}));
  EXPECT_EQ(state.initial_values.tensor().sum().item<float>(), 3);
}

TEST(TrainableState, TheMaskSaysWhatIsTrained) {
  const TrainableState state{Nest::List{at::ones({3}), at::ones({2})},
                             Nest::List{false, true}};
  state(1);
  EXPECT_EQ(trainable_variables(state).size(), 1u);
  EXPECT_EQ(snt::variables(state).size(), 2u);
  EXPECT_EQ(
      message_of([] {
        TrainableState{Nest::List{1.0, 2.0}, Nest::List{true}}(1);
      }),
      "[TrainableState] The two structures don't have the same nested "
      "structure: at '' initial_values has a list of 2 and mask a list of "
      "1");
  EXPECT_EQ(message_of([] {
              TrainableState{Nest(1.0), Nest::List{true}}(1);
            }),
            "[TrainableState] The two structures don't have the same nested "
            "structure: at '' initial_values has 1.0 and mask a list of 1");
  EXPECT_EQ(message_of<TypeError>([] {
              TrainableState{Nest(1.0), Nest(std::string("yes"))}.check();
            }),
            "[TrainableState] mask must be bools, got 'yes'");
}

TEST(TrainableState, StartsACore) {
  const LSTM lstm{.hidden_size = 3, .projection_size = 2};
  const auto state = TrainableState::for_core(
      lstm, Nest::Dict{{"hidden", true}, {"cell", false}}, "start");
  const at::Tensor x = at::randn({5, 4, 2});
  const auto [y, last] = dynamic_unroll(lstm, x, state(4));
  EXPECT_TRUE(
      at::equal(y, dynamic_unroll(lstm, x, lstm.initial_state(4)).first));
  EXPECT_EQ(state.as<LSTMState>(4).cell.sizes(), (at::IntArrayRef{4, 3}));
  EXPECT_EQ(trainable_variables(state)[0].shape(), (at::IntArrayRef{1, 2}));
  EXPECT_EQ(trainable_variables(state).size(), 1u);
  // For an erased core, too.
  EXPECT_EQ(TrainableState::for_core(Core(GRU{3}))(2).tensor().sizes(),
            (at::IntArrayRef{2, 3}));
}

struct ScalarStateCore {
  std::pair<at::Tensor, at::Tensor> operator()(const at::Tensor& x,
                                               const at::Tensor& s) const {
    return {x, s};
  }
  at::Tensor initial_state(int64_t) const { return at::zeros({}); }
};

TEST(TrainableState, NeedsAStateWithABatchDimension) {
  EXPECT_EQ(message_of([] { TrainableState::for_core(ScalarStateCore{}); }),
            "[TrainableState] the core's state needs a batch dimension at '', "
            "got shape [] for a batch of 1");
}

TEST(TrainableState, CopiesClonesAndCheckpoints) {
  const TrainableState state{Nest(at::ones({3}))};
  const TrainableState copy = state;
  state(1);
  EXPECT_TRUE(snt::variables(copy)[0] == snt::variables(state)[0]);
  const TrainableState deep = clone(state);
  snt::variables(state)[0].assign(at::full({1, 3}, 7.0));
  EXPECT_EQ(deep(1).tensor().sum().item<float>(), 3);
  // Values wait for the first call.
  const TrainableState fresh{Nest(at::zeros({3}))};
  load(fresh, snt::state(state));
  EXPECT_EQ(fresh(1).tensor().sum().item<float>(), 21);
  // Through JSON with dtypes.
  const TrainableState half{Nest(at::ones({2}, at::kHalf)), {}, "half"};
  const auto again = from_json<TrainableState>(to_json(half));
  EXPECT_EQ(again(1).tensor().scalar_type(), at::kHalf);
  EXPECT_EQ(repr(TrainableState{Nest::List{1.0, 2.0}}),
            "TrainableState(initial_values=[1.0, 2.0])");
}

}  // namespace
}  // namespace snt::trainable_state_test
