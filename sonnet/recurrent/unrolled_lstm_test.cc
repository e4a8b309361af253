#include "sonnet/recurrent/unrolled_lstm.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <vector>

#include "sonnet/core/errors.h"
#include "sonnet/core/options.h"
#include "sonnet/core/random.h"
#include "sonnet/recurrent/lstm.h"
#include "sonnet/testing/expect_close.h"
#include "sonnet/testing/expect_gradients.h"
#include "sonnet/testing/message_of.h"
#include "sonnet/testing/uneven.h"

namespace snt::unrolled_lstm_test {
namespace {

LSTMState some_state(int64_t batch, at::ScalarType dtype) {
  return {uneven({batch, 3}, dtype, 1), uneven({batch, 3}, dtype, 2)};
}

TEST(UnrolledLSTMTest, IsTheLSTMStepByStep) {
  for (at::ScalarType dtype :
       {at::kDouble, at::kFloat, at::kHalf, at::kBFloat16}) {
    const UnrolledLSTM unrolled{.hidden_size = 3, .dtype = dtype};
    const LSTM lstm{.hidden_size = 3, .dtype = at::kDouble};
    for (int64_t steps : {1, 4}) {  // In one module: the number may change.
      const at::Tensor x = uneven({steps, 2, 5}, dtype);
      const auto [y, last] = unrolled(x, some_state(2, dtype));

      LSTMState state = {some_state(2, dtype).hidden.to(at::kDouble),
                         some_state(2, dtype).cell.to(at::kDouble)};
      lstm(x[0].to(at::kDouble), state);
      lstm.w_i.assign(unrolled.w_i.value().to(at::kDouble));
      lstm.w_h.assign(unrolled.w_h.value().to(at::kDouble));
      lstm.b.assign(unrolled.b.value().to(at::kDouble));
      ASSERT_EQ(y.size(0), steps);
      for (int64_t t = 0; t < steps; ++t) {
        state = lstm(x[t].to(at::kDouble), state).second;
        expect_close(y[t], state.hidden, dtype, 2);
      }
      expect_close(last.hidden, state.hidden, dtype, 2);
      expect_close(last.cell, state.cell, dtype, 2);
    }
  }
}

// TensorFlow's gradients of this module are wrong: see docs/differences.md.
TEST(UnrolledLSTMTest, Gradients) {
  const UnrolledLSTM lstm{.hidden_size = 3, .dtype = at::kDouble};
  const at::Tensor x = uneven({4, 2, 5}).requires_grad_();
  const LSTMState state = some_state(2, at::kDouble);
  state.hidden.requires_grad_();
  state.cell.requires_grad_();
  const auto all = [&] {
    const auto [y, last] = lstm(x, state);
    return at::cat({y.flatten(0, 1), last.hidden, last.cell});
  };
  all();
  expect_gradients(all, {x, state.hidden, state.cell, lstm.input_to_hidden(),
                         lstm.hidden_to_hidden(), lstm.b.value()});
}

TEST(UnrolledLSTMTest, StartsAsAnLSTM) {
  const UnrolledLSTM unrolled{.hidden_size = 3, .forget_bias = 0.5};
  const LSTM lstm{.hidden_size = 3, .forget_bias = 0.5};
  snt::seed(4);
  unrolled(at::ones({2, 1, 5}), unrolled.initial_state(1));
  snt::seed(4);
  lstm(at::ones({1, 5}), lstm.initial_state(1));
  EXPECT_TRUE(at::equal(unrolled.w_i.value(), lstm.w_i.value()));
  EXPECT_TRUE(at::equal(unrolled.w_h.value(), lstm.w_h.value()));
  EXPECT_TRUE(at::equal(unrolled.b.value(), lstm.b.value()));
  EXPECT_EQ(unrolled.b.value().sum().item<double>(), 1.5);
}

TEST(UnrolledLSTMTest, InitialStateAndOptions) {
  const UnrolledLSTM lstm{.hidden_size = 3, .dtype = at::kDouble};
  const LSTMState state = lstm.initial_state(2);
  EXPECT_TRUE(at::equal(state.hidden, at::zeros({2, 3}, at::kDouble)));
  EXPECT_TRUE(at::equal(state.cell, state.hidden));
  EXPECT_FALSE(state.cell.is_same(state.hidden));
  EXPECT_EQ(repr(lstm), "UnrolledLSTM(hidden_size=3, dtype=tf.float64)");
}

TEST(UnrolledLSTMTest, Errors) {
  const UnrolledLSTM lstm{3};
  const LSTMState state = lstm.initial_state(2);
  EXPECT_EQ(message_of([&] {
              lstm(at::ones({2, 4}), state);
            }),
            "[UnrolledLSTM] inputs must have rank 3, got shape [2, 4]");
  EXPECT_EQ(message_of([&] {
              lstm(at::ones({0, 2, 4}), state);
            }),
            "[UnrolledLSTM] input_sequence must have at least a single time "
            "step, got shape [0, 2, 4]");
  EXPECT_EQ(message_of<TypeError>([&] {
              lstm(at::ones({5, 2, 4}, at::kHalf), state);
            }),
            "[UnrolledLSTM] inputs must have dtype float32, got float16");
  EXPECT_EQ(message_of([&] {
              lstm(at::ones({5, 1, 4}), state);
            }),
            "[UnrolledLSTM] initial_state.hidden must have shape [1, 3], got "
            "[2, 3]");
  EXPECT_EQ(message_of([&] {
              UnrolledLSTM{-1}(at::ones({5, 2, 4}), state);
            }),
            "[UnrolledLSTM] hidden_size must be >= 0, got -1");
}

}  // namespace
}  // namespace snt::unrolled_lstm_test
