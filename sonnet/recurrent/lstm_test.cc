#include "sonnet/recurrent/lstm.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "sonnet/core/errors.h"
#include "sonnet/core/options.h"
#include "sonnet/core/random.h"
#include "sonnet/core/variables.h"
#include "sonnet/initializers/constant.h"
#include "sonnet/testing/expect_close.h"
#include "sonnet/testing/expect_gradients.h"
#include "sonnet/testing/expect_unroll.h"
#include "sonnet/testing/message_of.h"
#include "sonnet/testing/uneven.h"

namespace snt::lstm_test {
namespace {

at::Tensor uneven_biases(at::IntArrayRef shape, at::ScalarType dtype) {
  return uneven(shape, dtype, 5);
}

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

// The equations, number by number, in double.
LSTMState slow_step(const LSTM& lstm, const at::Tensor& x,
                    const LSTMState& state) {
  const auto number = [](const at::Tensor& t, int64_t i, int64_t j) {
    return t[i][j].item<double>();
  };
  const int64_t size = lstm.hidden_size;
  LSTMState next = {at::zeros({x.size(0), size}, at::kDouble),
                    at::zeros({x.size(0), size}, at::kDouble)};
  for (int64_t row = 0; row < x.size(0); ++row) {
    for (int64_t j = 0; j < size; ++j) {
      std::vector<double> gate;
      for (int64_t column = j; column < 4 * size; column += size) {
        double sum = lstm.b.value()[column].item<double>();
        for (int64_t k = 0; k < x.size(1); ++k) {
          sum += number(x, row, k) * number(lstm.w_i.value(), k, column);
        }
        for (int64_t k = 0; k < state.hidden.size(1); ++k) {
          sum += number(state.hidden, row, k) *
                 number(lstm.w_h.value(), k, column);
        }
        gate.push_back(sum);
      }
      const double c = sigmoid(gate[1]) * number(state.cell, row, j) +
                       sigmoid(gate[0]) * std::tanh(gate[2]);
      next.cell[row][j] = c;
      next.hidden[row][j] = sigmoid(gate[3]) * std::tanh(c);
    }
  }
  if (lstm.projection_size) {
    const at::Tensor& p = lstm.projection.value();
    next.hidden = at::einsum("bh,hp->bp", {next.hidden, p.to(at::kDouble)});
  }
  return next;
}

LSTM some_lstm(at::ScalarType dtype, bool project) {
  return {.hidden_size = 3,
          .projection_size = project ? std::optional<int64_t>(2) : std::nullopt,
          .b_init = uneven_biases,
          .dtype = dtype};
}

LSTMState some_state(const LSTM& lstm, int64_t batch) {
  const int64_t size = lstm.projection_size.value_or(lstm.hidden_size);
  return {uneven({batch, size}, lstm.dtype, 1),
          uneven({batch, lstm.hidden_size}, lstm.dtype, 2)};
}

TEST(LSTMTest, AgainstALoopInEveryDtype) {
  for (at::ScalarType dtype :
       {at::kDouble, at::kFloat, at::kHalf, at::kBFloat16}) {
    for (bool project : {false, true}) {
      const LSTM lstm = some_lstm(dtype, project);
      for (int64_t batch : {0, 1, 2}) {
        const at::Tensor x = uneven({batch, 4}, dtype);
        const LSTMState state = some_state(lstm, batch);
        const auto [y, next] = lstm(x, state);
        const LSTMState want = slow_step(lstm, x, state);
        expect_close(next.hidden, want.hidden, dtype, 2);
        expect_close(next.cell, want.cell, dtype, 2);
        EXPECT_TRUE(y.is_same(next.hidden));
      }
      EXPECT_EQ(lstm.w_h.shape(), at::IntArrayRef({project ? 2 : 3, 12}));
      EXPECT_EQ(lstm.projection.is_built(), project);
      EXPECT_EQ(lstm.b.dtype(), dtype);
    }
  }
}

TEST(LSTMTest, Gradients) {
  for (bool project : {false, true}) {
    const LSTM lstm = some_lstm(at::kDouble, project);
    const at::Tensor x = uneven({2, 4}).requires_grad_();
    const LSTMState state = some_state(lstm, 2);
    state.hidden.requires_grad_();
    state.cell.requires_grad_();
    const auto both = [&] {
      const auto [y, next] = lstm(x, state);
      return at::cat({y, next.cell}, 1);
    };
    both();
    std::vector<at::Tensor> leaves = {x,
                                      state.hidden,
                                      state.cell,
                                      lstm.input_to_hidden(),
                                      lstm.hidden_to_hidden(),
                                      lstm.b.value()};
    if (project) leaves.push_back(lstm.projection.value());
    expect_gradients(both, leaves);
  }
}

// Gates that are wide open: what the equations say is then seen directly.
TEST(LSTMTest, AnOpenForgetGateKeepsTheCell) {
  const LSTM lstm{.hidden_size = 1,
                  .w_i_init = initializers::Zeros(),
                  .w_h_init = initializers::Zeros(),
                  .forget_bias = 100.0};
  const at::Tensor cell = at::full({1, 1}, 0.75);
  const auto [y, next] = lstm(at::ones({1, 2}), {at::ones({1, 1}), cell});
  expect_close(next.cell, cell, at::kFloat);
  expect_close(y, 0.5 * at::tanh(cell), at::kFloat);
}

TEST(LSTMTest, InitialValues) {
  snt::seed(3);
  const LSTM lstm{
      .hidden_size = 100, .projection_size = 25, .b_init = uneven_biases};
  const LSTM plain{.hidden_size = 2, .forget_bias = 0.5};
  lstm(at::ones({1, 400}), lstm.initial_state(1));
  plain(at::ones({1, 3}), plain.initial_state(1));
  const auto expect_scale = [](const Variable& w, double fan) {
    const at::Tensor value = w.value().detach();
    EXPECT_LE(value.abs().max().item<double>(), 2 / std::sqrt(fan));
    EXPECT_NEAR(value.std().item<double>() * std::sqrt(fan), 0.87962566, 0.03);
  };
  expect_scale(lstm.w_i, 400);
  expect_scale(lstm.w_h, 25);
  expect_scale(lstm.projection, 100);
  at::Tensor want = uneven({400}, at::kFloat, 5);
  want.slice(0, 100, 200).add_(1);
  EXPECT_TRUE(at::equal(lstm.b.value(), want));
  EXPECT_TRUE(
      at::equal(plain.b.value(),
                at::tensor({0., 0., .5, .5, 0., 0., 0., 0.}).to(at::kFloat)));
}

TEST(LSTMTest, InitialState) {
  const LSTM lstm{
      .hidden_size = 3, .projection_size = 2, .dtype = at::kBFloat16};
  const LSTMState state = lstm.initial_state(5);
  EXPECT_TRUE(at::equal(state.hidden, at::zeros({5, 2}, at::kBFloat16)));
  EXPECT_TRUE(at::equal(state.cell, at::zeros({5, 3}, at::kBFloat16)));
  EXPECT_EQ(lstm.initial_state(5, at::kMeta).cell.device().type(), at::kMeta);
}

TEST(LSTMTest, Options) {
  EXPECT_EQ(repr(LSTM{4}), "LSTM(hidden_size=4)");
  EXPECT_EQ(to_json(LSTM{.hidden_size = 4, .dtype = at::kHalf}),
            R"({"hidden_size":4,"projection_size":null,)"
            R"("projection_init":null,"w_i_init":null,"w_h_init":null,)"
            R"("b_init":null,"forget_bias":1.0,"dtype":"float16"})");
}

TEST(LSTMTest, Errors) {
  const at::Tensor x = at::ones({2, 4});
  const auto error = [&](const LSTM& lstm, const at::Tensor& inputs) {
    return message_of([&] { lstm(inputs, lstm.initial_state(2)); });
  };
  EXPECT_EQ(
      error({.hidden_size = 3, .projection_init = initializers::Zeros()}, x),
      "[LSTM] projection_init must be None when projection is not used");
  EXPECT_EQ(error({.hidden_size = 3, .projection_size = 0}, x),
            "[LSTM] projection_size must be > 0, got 0");
  EXPECT_EQ(error({-1}, x), "[LSTM] hidden_size must be >= 0, got -1");
  EXPECT_EQ(error({3}, at::ones({2, 4, 5})),
            "[LSTM] inputs must have rank 2, got shape [2, 4, 5]");

  const LSTM lstm{3};
  EXPECT_EQ(message_of<NotBuiltError>([&] { lstm.input_to_hidden(); }).empty(),
            false);
  EXPECT_EQ(message_of<TypeError>(
                [&] { lstm(x.to(at::kDouble), lstm.initial_state(2)); }),
            "[LSTM] inputs must have dtype float32, got float64");
  EXPECT_FALSE(lstm.w_i.is_built());
  const LSTMState state = lstm(x, lstm.initial_state(2)).second;
  EXPECT_EQ(error(lstm, at::ones({2, 5})),
            "[LSTM] the last dimension of inputs must be 4 as on the first "
            "call, got shape [2, 5]");
  EXPECT_EQ(message_of([&] {
              lstm(at::ones({3, 4}), state);
            }),
            "[LSTM] prev_state.hidden must have shape [3, 3], got [2, 3]");
  EXPECT_EQ(message_of([&] {
              lstm(x, {state.hidden, {}});
            }),
            "[LSTM] prev_state.cell must be a tensor, got None");
  EXPECT_EQ(message_of<TypeError>([&] {
              lstm(x, {state.hidden, state.cell.to(at::kHalf)});
            }),
            "[LSTM] prev_state.cell must have dtype float32 like inputs, got "
            "float16");
}

TEST(LSTMTest, UnrollsAtOnce) {
  expect_unrolls_at_once([] { return LSTM{3}; });
  const LSTM projected{.hidden_size = 3, .projection_size = 2};
  EXPECT_FALSE(
      projected.unroll_(at::ones({2, 3, 4}), projected.initial_state(3)));
}

}  // namespace
}  // namespace snt::lstm_test
