#include "sonnet/recurrent/gru.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>

#include "sonnet/core/errors.h"
#include "sonnet/core/options.h"
#include "sonnet/core/random.h"
#include "sonnet/initializers/constant.h"
#include "sonnet/testing/expect_close.h"
#include "sonnet/testing/expect_gradients.h"
#include "sonnet/testing/expect_unroll.h"
#include "sonnet/testing/message_of.h"
#include "sonnet/testing/uneven.h"

namespace snt::gru_test {
namespace {

at::Tensor uneven_biases(at::IntArrayRef shape, at::ScalarType dtype) {
  return uneven(shape, dtype, 5);
}

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

// The equations, number by number, in double: the state of one row.
at::Tensor slow_row(const GRU& gru, const at::Tensor& x, const at::Tensor& h) {
  const int64_t size = gru.hidden_size;
  const auto number = [](const at::Tensor& t, int64_t i, int64_t j) {
    return t[i][j].item<double>();
  };
  // x w_i + state w_h + b in one column.
  const auto column = [&](int64_t j, const at::Tensor& state) {
    double sum = gru.b.value()[j].item<double>();
    for (int64_t k = 0; k < x.size(0); ++k) {
      sum += x[k].item<double>() * number(gru.w_i.value(), k, j);
    }
    for (int64_t k = 0; k < size; ++k) {
      sum += state[k].item<double>() * number(gru.w_h.value(), k, j);
    }
    return sum;
  };
  const at::Tensor reset = at::zeros({size}, at::kDouble);
  for (int64_t j = 0; j < size; ++j) {
    reset[j] = sigmoid(column(size + j, h)) * h[j].item<double>();
  }
  const at::Tensor next = at::zeros({size}, at::kDouble);
  for (int64_t j = 0; j < size; ++j) {
    const double z = sigmoid(column(j, h));
    const double a = std::tanh(column(2 * size + j, reset));
    next[j] = (1 - z) * h[j].item<double>() + z * a;
  }
  return next;
}

TEST(GRUTest, AgainstALoopInEveryDtype) {
  for (at::ScalarType dtype :
       {at::kDouble, at::kFloat, at::kHalf, at::kBFloat16}) {
    const GRU gru{.hidden_size = 3, .b_init = uneven_biases, .dtype = dtype};
    for (int64_t batch : {0, 1, 2}) {
      const at::Tensor x = uneven({batch, 4}, dtype);
      const at::Tensor h = uneven({batch, 3}, dtype, 1);
      const auto [y, next] = gru(x, h);
      EXPECT_TRUE(y.is_same(next));
      ASSERT_EQ(y.sizes(), h.sizes());
      for (int64_t row = 0; row < batch; ++row) {
        expect_close(y[row], slow_row(gru, x[row], h[row]), dtype, 2);
      }
    }
    EXPECT_EQ(gru.w_i.shape(), at::IntArrayRef({4, 9}));
    EXPECT_EQ(gru.w_h.shape(), at::IntArrayRef({3, 9}));
  }
}

TEST(GRUTest, Gradients) {
  const GRU gru{
      .hidden_size = 3, .b_init = uneven_biases, .dtype = at::kDouble};
  const at::Tensor x = uneven({2, 4}).requires_grad_();
  const at::Tensor h = uneven({2, 3}, at::kDouble, 1).requires_grad_();
  const auto step = [&] { return gru(x, h).first; };
  step();
  expect_gradients(step, {x, h, gru.input_to_hidden(), gru.hidden_to_hidden(),
                          gru.b.value()});
}

// With z = 0 the state stays.
TEST(GRUTest, AShutUpdateGateKeepsTheState) {
  const GRU gru{.hidden_size = 2,
                .w_i_init = initializers::Zeros(),
                .w_h_init = initializers::Ones(),
                .b_init = initializers::Constant{-100.0}};
  const at::Tensor h = uneven({2, 2}, at::kFloat);
  EXPECT_TRUE(at::allclose(gru(at::ones({2, 3}), h).second, h));
}

// Glorot uniform over the concatenated matrices.
TEST(GRUTest, InitialValues) {
  snt::seed(3);
  const GRU gru{100};
  gru(at::ones({1, 150}), gru.initial_state(1));
  const auto expect_bound = [](const Variable& w, double bound) {
    const at::Tensor value = w.value().detach();
    EXPECT_LE(value.abs().max().item<double>(), bound);
    EXPECT_GT(value.abs().max().item<double>(), 0.99 * bound);
    EXPECT_NEAR(value.std().item<double>() / bound, 1 / std::sqrt(3), 0.01);
  };
  expect_bound(gru.w_i, std::sqrt(6.0 / (150 + 300)));
  expect_bound(gru.w_h, std::sqrt(6.0 / (100 + 300)));
  EXPECT_TRUE(at::equal(gru.b.value(), at::zeros({300})));
  EXPECT_TRUE(at::equal(gru.initial_state(2), at::zeros({2, 100})));
}

TEST(GRUTest, OptionsAndErrors) {
  EXPECT_EQ(repr(GRU{4}), "GRU(hidden_size=4)");
  const GRU gru{3};
  const at::Tensor h = gru.initial_state(2);
  EXPECT_EQ(message_of([&] {
              gru(at::ones({2, 4, 5}), h);
            }),
            "[GRU] inputs must have rank 2, got shape [2, 4, 5]");
  EXPECT_EQ(message_of<TypeError>([&] {
              gru(at::ones({2, 4}, at::kHalf), h);
            }),
            "[GRU] inputs must have dtype float32, got float16");
  EXPECT_EQ(message_of([&] {
              gru(at::ones({3, 4}), h);
            }),
            "[GRU] prev_state must have shape [3, 3], got [2, 3]");
  EXPECT_EQ(message_of([&] {
              GRU{-1}(at::ones({2, 4}), h);
            }),
            "[GRU] hidden_size must be >= 0, got -1");
}

TEST(GRUTest, UnrollsAtOnce) {
  expect_unrolls_at_once([] { return GRU{3}; });
}

}  // namespace
}  // namespace snt::gru_test
