#include "sonnet/recurrent/conv_lstm.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "sonnet/core/errors.h"
#include "sonnet/core/options.h"
#include "sonnet/core/variables.h"
#include "sonnet/testing/expect_close.h"
#include "sonnet/testing/expect_gradients.h"
#include "sonnet/testing/message_of.h"
#include "sonnet/testing/uneven.h"

namespace snt::conv_lstm_test {
namespace {

at::Tensor uneven_biases(at::IntArrayRef shape, at::ScalarType dtype) {
  return uneven(shape, dtype, 5);
}

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

// sum over k and c of x[n, j + k - zeros, c] w[k, c, o] with zeros around x.
double slow_conv(const at::Tensor& x, const Variable& w, int64_t n, int64_t j,
                 int64_t o) {
  const int64_t zeros = (w.shape()[0] - 1) / 2;
  double sum = 0;
  for (int64_t k = 0; k < w.shape()[0]; ++k) {
    const int64_t from = j + k - zeros;
    if (from < 0 || from >= x.size(1)) continue;
    for (int64_t c = 0; c < x.size(2); ++c) {
      sum += x[n][from][c].item<double>() * w.value()[k][c][o].item<double>();
    }
  }
  return sum;
}

LSTMState slow_step(const Conv1DLSTM& lstm, const at::Tensor& x,
                    const LSTMState& state) {
  LSTMState next = {at::zeros(state.cell.sizes(), at::kDouble),
                    at::zeros(state.cell.sizes(), at::kDouble)};
  const int64_t size = lstm.output_channels;
  for (int64_t n = 0; n < x.size(0); ++n) {
    for (int64_t j = 0; j < x.size(1); ++j) {
      for (int64_t o = 0; o < size; ++o) {
        std::vector<double> gate;
        for (int64_t column = o; column < 4 * size; column += size) {
          gate.push_back(
              slow_conv(x, lstm.input_to_hidden.w, n, j, column) +
              slow_conv(state.hidden, lstm.hidden_to_hidden.w, n, j, column) +
              lstm.b.value()[column].item<double>());
        }
        const double c = sigmoid(gate[1]) * state.cell[n][j][o].item<double>() +
                         sigmoid(gate[0]) * std::tanh(gate[2]);
        next.cell[n][j][o] = c;
        next.hidden[n][j][o] = sigmoid(gate[3]) * std::tanh(c);
      }
    }
  }
  return next;
}

// An even kernel too: SAME puts the odd zero at the end.
TEST(Conv1DLSTMTest, AgainstALoopInEveryDtype) {
  for (at::ScalarType dtype :
       {at::kDouble, at::kFloat, at::kHalf, at::kBFloat16}) {
    for (int64_t kernel : {1, 2, 3}) {
      const Conv1DLSTM lstm{.input_shape = {4, 3},
                            .output_channels = 2,
                            .kernel_shape = kernel,
                            .b_init = uneven_biases,
                            .dtype = dtype};
      const at::Tensor x = uneven({2, 4, 3}, dtype);
      const LSTMState state = {uneven({2, 4, 2}, dtype, 1),
                               uneven({2, 4, 2}, dtype, 2)};
      const auto [y, next] = lstm(x, state);
      const LSTMState want = slow_step(lstm, x, state);
      expect_close(next.hidden, want.hidden, dtype, 2);
      expect_close(next.cell, want.cell, dtype, 2);
      EXPECT_TRUE(y.is_same(next.hidden));
    }
  }
}

TEST(Conv1DLSTMTest, Gradients) {
  const Conv1DLSTM lstm{.input_shape = {2, 3},
                        .output_channels = 2,
                        .kernel_shape = 2,
                        .data_format = "NCW",
                        .b_init = uneven_biases,
                        .dtype = at::kDouble};
  const at::Tensor x = uneven({1, 2, 3}).requires_grad_();
  const LSTMState state = {uneven({1, 2, 3}, at::kDouble, 1).requires_grad_(),
                           uneven({1, 2, 3}, at::kDouble, 2).requires_grad_()};
  const auto both = [&] {
    const auto [y, next] = lstm(x, state);
    return at::cat({y, next.cell});
  };
  both();
  expect_gradients(both,
                   {x, state.hidden, state.cell, lstm.input_to_hidden.w.value(),
                    lstm.hidden_to_hidden.w.value(), lstm.b.value()});
}

// One row of an image is a sequence of pixels, one slice of a volume an image.
template <class Core>
void expect_like_1d(const Core& core, const Conv1DLSTM& flat,
                    const std::vector<int64_t>& ones) {
  const auto deep = [&](const at::Tensor& t, int64_t from) {
    std::vector<int64_t> shape = t.sizes().vec();
    shape.insert(shape.begin() + from, ones.begin(), ones.end());
    return t.reshape(shape);
  };
  const at::Tensor x = uneven({2, 4, 3}, at::kFloat);
  const LSTMState state = {uneven({2, 4, 2}, at::kFloat, 1),
                           uneven({2, 4, 2}, at::kFloat, 2)};
  const LSTMState deep_state = {deep(state.hidden, 1), deep(state.cell, 1)};
  const LSTMState want = flat(x, state).second;
  core(deep(x, 1), deep_state);
  core.input_to_hidden.w.assign(deep(flat.input_to_hidden.w.value(), 0));
  core.hidden_to_hidden.w.assign(deep(flat.hidden_to_hidden.w.value(), 0));
  const LSTMState got = core(deep(x, 1), deep_state).second;
  expect_close(got.hidden, deep(want.hidden, 1), at::kFloat);
  expect_close(got.cell, deep(want.cell, 1), at::kFloat);
}

TEST(ConvLSTMTest, MoreDimensionsAgree) {
  const Conv1DLSTM flat{
      .input_shape = {4, 3}, .output_channels = 2, .kernel_shape = 3};
  expect_like_1d(Conv2DLSTM{.input_shape = {1, 4, 3},
                            .output_channels = 2,
                            .kernel_shape = {1, 3}},
                 flat, {1});
  expect_like_1d(Conv3DLSTM{.input_shape = {1, 1, 4, 3},
                            .output_channels = 2,
                            .kernel_shape = {1, 1, 3}},
                 flat, {1, 1});
}

// Sonnet splits the gates on the wrong axis here.
TEST(ConvLSTMTest, ChannelsFirstIsTheSameTransposed) {
  const Conv2DLSTM last{
      .input_shape = {4, 5, 3}, .output_channels = 2, .kernel_shape = {2, 3}};
  const Conv2DLSTM first{.input_shape = {3, 4, 5},
                         .output_channels = 2,
                         .kernel_shape = {2, 3},
                         .data_format = "NCHW"};
  const at::Tensor x = uneven({2, 4, 5, 3}, at::kFloat);
  const LSTMState state = {uneven({2, 4, 5, 2}, at::kFloat, 1),
                           uneven({2, 4, 5, 2}, at::kFloat, 2)};
  const auto turned = [](const at::Tensor& t) { return t.movedim(-1, 1); };
  const LSTMState want = last(x, state).second;
  const LSTMState turned_state = {turned(state.hidden), turned(state.cell)};
  first(turned(x), turned_state);
  first.input_to_hidden.w.assign(last.input_to_hidden.w.value());
  first.hidden_to_hidden.w.assign(last.hidden_to_hidden.w.value());
  const LSTMState got = first(turned(x), turned_state).second;
  expect_close(got.hidden, turned(want.hidden), at::kFloat);
  expect_close(got.cell, turned(want.cell), at::kFloat);

  const LSTMState start = first.initial_state(7);
  EXPECT_EQ(start.hidden.sizes(), at::IntArrayRef({7, 2, 4, 5}));
  EXPECT_EQ(start.cell.sizes(), at::IntArrayRef({7, 2, 4, 5}));
  EXPECT_EQ(last.initial_state(7).cell.sizes(), at::IntArrayRef({7, 4, 5, 2}));
}

TEST(ConvLSTMTest, VariablesAndOptions) {
  const Conv3DLSTM lstm{.input_shape = {2, 3, 4, 5},
                        .output_channels = 3,
                        .kernel_shape = 2,
                        .forget_bias = 0.5};
  lstm(at::ones({1, 2, 3, 4, 5}), lstm.initial_state(1));
  const auto named = named_variables(lstm);
  ASSERT_EQ(named.size(), 3);
  EXPECT_EQ(named[0].path, "input_to_hidden/w");
  EXPECT_EQ(named[0].variable.shape(), at::IntArrayRef({2, 2, 2, 5, 12}));
  EXPECT_EQ(named[1].path, "hidden_to_hidden/w");
  EXPECT_EQ(named[1].variable.shape(), at::IntArrayRef({2, 2, 2, 3, 12}));
  EXPECT_EQ(named[2].path, "b");
  EXPECT_EQ(lstm.b.value().slice(0, 3, 6).sum().item<double>(), 1.5);
  EXPECT_EQ(lstm.b.value().sum().item<double>(), 1.5);
  EXPECT_EQ(repr(lstm),
            "Conv3DLSTM(\n    input_shape=[2, 3, 4, 5],\n"
            "    output_channels=3,\n    kernel_shape=2,\n"
            "    forget_bias=0.5,\n)");
}

TEST(ConvLSTMTest, Errors) {
  const at::Tensor x = at::ones({2, 4, 3});
  const Conv1DLSTM lstm{
      .input_shape = {4, 3}, .output_channels = 2, .kernel_shape = 2};
  const LSTMState state = lstm.initial_state(2);
  EXPECT_EQ(message_of<TypeError>([&] { lstm(x.to(at::kHalf), state); }),
            "[Conv1DLSTM] inputs must have dtype float32, got float16");
  EXPECT_EQ(message_of([&] {
              lstm(at::ones({2, 4}), state);
            }),
            "[Conv1DLSTM] inputs must have rank 3, got shape [2, 4]");
  EXPECT_EQ(message_of([&] {
              lstm(at::ones({2, 5, 3}), state);
            }),
            "[Conv1DLSTM] prev_state.hidden must have shape [2, 5, 2], got "
            "[2, 4, 2]");
  EXPECT_EQ(message_of([] {
              Conv1DLSTM{.input_shape = {4, 4, 3},
                         .output_channels = 2,
                         .kernel_shape = 2}
                  .initial_state(1);
            }),
            "[Conv1DLSTM] input_shape must have 2 numbers (without the batch), "
            "got [4, 4, 3]");
  EXPECT_EQ(message_of([] {
              Conv1DLSTM{.input_shape = {4, 3},
                         .output_channels = 0,
                         .kernel_shape = 2}
                  .initial_state(1);
            }),
            "[Conv1DLSTM] output_channels must be > 0, got 0");
}

}  // namespace
}  // namespace snt::conv_lstm_test
