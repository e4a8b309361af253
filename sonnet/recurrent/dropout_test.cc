#include "sonnet/recurrent/dropout.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "sonnet/core/errors.h"
#include "sonnet/core/variables.h"
#include "sonnet/recurrent/deep_rnn.h"
#include "sonnet/recurrent/gru.h"
#include "sonnet/recurrent/unroll.h"
#include "sonnet/testing/message_of.h"

namespace snt::recurrent_dropout_test::dropout_test {
namespace {

TEST(RecurrentDropout, MultipliesThePreviousStateInEveryStep) {
  const auto [train, test] = lstm_with_recurrent_dropout(4, 0.5);
  const at::Tensor x = at::randn({3, 2, 5});
  const Nest start = train.initial_state(2);
  const at::Tensor mask = start.at(1).at("hidden").tensor();
  EXPECT_TRUE(start.at(1).at("cell").is_none());
  EXPECT_TRUE(((mask == 0) | (mask == 2)).all().item<bool>());

  const auto [y, last] = dynamic_unroll(train, x, start);
  LSTMState state = test.initial_state(2);
  std::vector<at::Tensor> want;
  for (int64_t t = 0; t < 3; ++t) {
    auto [out, next] = test(x[t], {state.hidden * mask, state.cell});
    want.push_back(out);
    state = next;
  }
  EXPECT_TRUE(at::equal(y, at::stack(want)));
  EXPECT_TRUE(at::equal(last.at(0).at("cell").tensor(), state.cell));
  EXPECT_TRUE(at::equal(last.at(1).at("hidden").tensor(), mask));
}

TEST(RecurrentDropout, SharesItsVariablesWithTheTestCore) {
  const auto [train, test] = lstm_with_recurrent_dropout(
      LSTM{.hidden_size = 4, .projection_size = 3, .name = "memory"}, 0.25);
  train(at::ones({2, 5}), train.initial_state(2));
  EXPECT_TRUE(test.w_i.is_built());
  EXPECT_EQ(named_variables(train)[0].path, "base_core/w_i");
  EXPECT_EQ(train.initial_state(2).at(1).at("hidden").tensor().sizes(),
            (at::IntArrayRef{2, 3}));
  EXPECT_EQ(Core(train).name(), "memory_recurrent_dropout");
  EXPECT_EQ(repr(lstm_with_recurrent_dropout(3, 0.0).train_lstm),
            "_RecurrentDropoutWrapper(\n    base_core=LSTM(hidden_size=3),\n"
            "    rates=LSTMState(hidden=0.0, cell=None),\n)");
}

// 20000 draws: the share of zeros is within 6 standard errors, p < 1e-8.
TEST(RecurrentDropout, DrawsMasksOfTheGivenRate) {
  at::manual_seed(3);
  const auto train = lstm_with_recurrent_dropout(20000, 0.25).train_lstm;
  const at::Tensor mask = train.initial_state(1).at(1).at("hidden").tensor();
  EXPECT_NEAR((mask == 0).to(at::kDouble).mean().item<double>(), 0.25, 0.019);
  EXPECT_TRUE(
      at::allclose(mask.masked_select(mask != 0), at::full({1}, 1 / 0.75)));
  const at::Tensor again = train.initial_state(1).at(1).at("hidden").tensor();
  EXPECT_FALSE(at::equal(mask, again));
  const auto none = lstm_with_recurrent_dropout(5, 0.0).train_lstm;
  EXPECT_TRUE(at::equal(none.initial_state(1).at(1).at("hidden").tensor(),
                        at::ones({1, 5})));
}

TEST(RecurrentDropout, WrapsAnyCore) {
  const DeepRNN deep{{LSTM{4}, GRU{3}}};
  // Only the GRU's state is dropped.
  const RecurrentDropout core{deep, Nest::List{Nest(), 0.5}, 7};
  const Nest start = core.initial_state(2);
  EXPECT_TRUE(start.at(1).at(0).is_none());
  EXPECT_EQ(start.at(1).at(1).tensor().sizes(), (at::IntArrayRef{2, 3}));
  const auto [y, last] =
      static_unroll(core, at::randn({3, 2, 5}), start, at::tensor({3, 1}));
  EXPECT_EQ(y.sizes(), (at::IntArrayRef{3, 2, 3}));
  const auto json = to_json(core);
  EXPECT_EQ(to_json(from_json<RecurrentDropout>(json)), json);
}

TEST(RecurrentDropout, RefusesWhatDoesNotFit) {
  EXPECT_EQ(
      message_of([] { lstm_with_recurrent_dropout(3, 1.0); }),
      "[lstm_with_recurrent_dropout] dropout must be in the range [0, 1), "
      "got 1.0");
  const RecurrentDropout rate{GRU{3}, Nest(1.5)};
  EXPECT_EQ(message_of([&] { rate.initial_state(2); }),
            "[RecurrentDropout] rates must be in the range [0, 1), got 1.5");
  const RecurrentDropout misfit{GRU{3}, Nest::List{0.5}};
  EXPECT_EQ(message_of([&] { misfit.initial_state(2); }),
            "[RecurrentDropout] rates or masks must have the structure of the "
            "state: at '' it has a tensor [2, 3] and they have a list of 1");
  const RecurrentDropout core{GRU{3}, Nest(0.5)};
  EXPECT_EQ(message_of([&] {
              core(at::ones({2, 4}), at::zeros({2, 3}));
            }),
            "[RecurrentDropout] the state must be a list of the core's state "
            "and the masks, got a tensor [2, 3]");
}

}  // namespace
}  // namespace snt::recurrent_dropout_test::dropout_test
