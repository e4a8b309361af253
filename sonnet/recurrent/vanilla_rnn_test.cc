#include "sonnet/recurrent/vanilla_rnn.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>

#include "sonnet/core/build.h"
#include "sonnet/core/errors.h"
#include "sonnet/core/options.h"
#include "sonnet/core/variables.h"
#include "sonnet/testing/expect_close.h"
#include "sonnet/testing/expect_gradients.h"
#include "sonnet/testing/expect_unroll.h"
#include "sonnet/testing/message_of.h"
#include "sonnet/testing/uneven.h"

namespace snt::vanilla_rnn_test {
namespace {

at::Tensor uneven_biases(at::IntArrayRef shape, at::ScalarType dtype) {
  return uneven(shape, dtype, 5);
}

// x w_i + h w_h + b of one row and column.
double slow_sum(const VanillaRNN& rnn, const at::Tensor& x, const at::Tensor& h,
                int64_t column) {
  double sum = rnn.b.value()[column].item<double>();
  const auto add = [&](const at::Tensor& row, const Variable& w) {
    for (int64_t k = 0; k < row.size(0); ++k) {
      sum += row[k].item<double>() * w.value()[k][column].item<double>();
    }
  };
  add(x, rnn.input_to_hidden.w);
  add(h, rnn.hidden_to_hidden.w);
  return sum;
}

TEST(VanillaRNNTest, AgainstALoopInEveryDtype) {
  for (at::ScalarType dtype :
       {at::kDouble, at::kFloat, at::kHalf, at::kBFloat16}) {
    const VanillaRNN rnn{
        .hidden_size = 3, .b_init = uneven_biases, .dtype = dtype};
    for (int64_t batch : {0, 1, 2}) {
      const at::Tensor x = uneven({batch, 4}, dtype);
      const at::Tensor h = uneven({batch, 3}, dtype, 1);
      const auto [y, next] = rnn(x, h);
      EXPECT_TRUE(y.is_same(next));
      const at::Tensor want = at::zeros({batch, 3}, at::kDouble);
      for (int64_t i = 0; i < batch; ++i) {
        for (int64_t j = 0; j < 3; ++j) {
          want[i][j] = std::tanh(slow_sum(rnn, x[i], h[i], j));
        }
      }
      expect_close(y, want, dtype, 2);
    }
  }
}

TEST(VanillaRNNTest, Gradients) {
  const VanillaRNN rnn{.hidden_size = 3,
                       .activation = activations::square,
                       .b_init = uneven_biases,
                       .dtype = at::kDouble};
  const at::Tensor x = uneven({2, 4}).requires_grad_();
  const at::Tensor h = uneven({2, 3}, at::kDouble, 1).requires_grad_();
  const auto step = [&] { return rnn(x, h).first; };
  step();
  expect_gradients(step, {x, h, rnn.input_to_hidden.w.value(),
                          rnn.hidden_to_hidden.w.value(), rnn.b.value()});
}

TEST(VanillaRNNTest, MoreBatchDimensions) {
  const VanillaRNN rnn{3};
  const at::Tensor x = uneven({2, 5, 4}, at::kFloat);
  const at::Tensor h = uneven({2, 5, 3}, at::kFloat, 1);
  const at::Tensor y = rnn(x, h).first;
  expect_close(y.flatten(0, 1), rnn(x.flatten(0, 1), h.flatten(0, 1)).first,
               at::kFloat);
}

TEST(VanillaRNNTest, PathsAndState) {
  const VanillaRNN rnn{.hidden_size = 3, .dtype = at::kDouble};
  const at::Tensor state = rnn.initial_state(2);
  EXPECT_TRUE(at::equal(state, at::zeros({2, 3}, at::kDouble)));
  build(rnn, Shape({2, 4}, at::kDouble), state);
  const auto named = named_variables(rnn);
  ASSERT_EQ(named.size(), 3);
  EXPECT_EQ(named[0].path, "input_to_hidden/w");
  EXPECT_EQ(named[1].path, "hidden_to_hidden/w");
  EXPECT_EQ(named[2].path, "b");
}

TEST(VanillaRNNTest, OptionsAndErrors) {
  EXPECT_EQ(repr(VanillaRNN{4}), "VanillaRNN(hidden_size=4)");
  const VanillaRNN rnn{3};
  const at::Tensor h = rnn.initial_state(2);
  EXPECT_EQ(message_of<TypeError>([&] {
              rnn(at::ones({2, 4}, at::kBFloat16), h);
            }),
            "[VanillaRNN] inputs must have dtype float32, got bfloat16");
  EXPECT_EQ(message_of([&] { rnn(at::ones({4}), h); }),
            "[VanillaRNN] inputs must have rank >= 2, got shape [4]");
  EXPECT_EQ(message_of([&] {
              rnn(at::ones({3, 4}), h);
            }),
            "[VanillaRNN] prev_state must have shape [3, 3], got [2, 3]");
  EXPECT_EQ(message_of([&] {
              VanillaRNN{-1}(at::ones({2, 4}), h);
            }),
            "[VanillaRNN] hidden_size must be >= 0, got -1");
}

TEST(VanillaRNNTest, UnrollsAtOnce) {
  expect_unrolls_at_once([] { return VanillaRNN{3}; });
  expect_unrolls_at_once([] {
    return VanillaRNN{.hidden_size = 3, .activation = activations::relu};
  });
  const VanillaRNN other{.hidden_size = 3, .activation = activations::sigmoid};
  other(at::ones({2, 4}), other.initial_state(2));
  EXPECT_FALSE(other.unroll_(at::ones({5, 2, 4}), other.initial_state(2)));
}

}  // namespace
}  // namespace snt::vanilla_rnn_test
