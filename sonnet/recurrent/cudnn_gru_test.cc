#include "sonnet/recurrent/cudnn_gru.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "sonnet/core/errors.h"
#include "sonnet/core/gradients.h"
#include "sonnet/core/options.h"
#include "sonnet/kernels/switches.h"
#include "sonnet/testing/expect_close.h"
#include "sonnet/testing/expect_gradients.h"
#include "sonnet/testing/message_of.h"
#include "sonnet/testing/uneven.h"

namespace snt::cudnn_gru_test {
namespace {

at::Tensor uneven_biases(at::IntArrayRef shape, at::ScalarType dtype) {
  return uneven(shape, dtype, 5);
}

// at::gru has the same equations, with rows r, z, a of transposed weights.
at::Tensor reference(const CuDNNGRU& gru, const at::Tensor& x,
                     const at::Tensor& h) {
  const auto swapped = [](const Variable& w, int64_t axis) {
    const auto part = w.value().detach().to(at::kDouble).chunk(3, axis);
    return at::cat({part[1], part[0], part[2]}, axis).t().contiguous();
  };
  const at::Tensor b = swapped(gru.b, 0);
  const std::vector<at::Tensor> weights = {
      swapped(gru.w_i, 1), swapped(gru.w_h, 1), b, at::zeros_like(b)};
  return std::get<0>(at::gru(x.to(at::kDouble), h.to(at::kDouble).unsqueeze(0),
                             weights, /*has_biases=*/true, /*num_layers=*/1,
                             /*dropout=*/0, /*train=*/false,
                             /*bidirectional=*/false, /*batch_first=*/false));
}

TEST(CuDNNGRUTest, AgainstLibtorchInEveryDtype) {
  for (at::ScalarType dtype :
       {at::kDouble, at::kFloat, at::kHalf, at::kBFloat16}) {
    const CuDNNGRU gru{
        .hidden_size = 3, .b_init = uneven_biases, .dtype = dtype};
    for (int64_t steps : {1, 4}) {
      const at::Tensor x = uneven({steps, 2, 5}, dtype);
      const at::Tensor h = uneven({2, 3}, dtype, 1);
      const auto [y, last] = gru(x, h);
      expect_close(y, reference(gru, x, h), dtype, 2);
      EXPECT_TRUE(at::equal(last, y.slice(0, steps - 1)));
      EXPECT_EQ(last.dim(), 3);
    }
  }
}

TEST(CuDNNGRUTest, Gradients) {
  const CuDNNGRU gru{.hidden_size = 3, .dtype = at::kDouble};
  const at::Tensor x = uneven({3, 2, 5}).requires_grad_();
  const at::Tensor h = uneven({2, 3}, at::kDouble, 1).requires_grad_();
  const auto outputs = [&] { return gru(x, h).first; };
  outputs();
  expect_gradients(outputs, {x, h, gru.input_to_hidden(),
                             gru.hidden_to_hidden(), gru.b.value()});
}

TEST(CuDNNGRUTest, KernelsAndSingleStepsGiveTheSame) {
  const CuDNNGRU gru{.hidden_size = 3, .b_init = uneven_biases};
  const at::Tensor x = uneven({4, 2, 5}, at::kFloat).requires_grad_();
  const at::Tensor h = uneven({2, 3}, at::kFloat, 1).requires_grad_();
  const auto run = [&](bool at_once) {
    kernels::switches().recurrent_sequences = at_once;
    const auto [y, last] = gru(x, h);
    kernels::switches().recurrent_sequences = true;
    const auto d = gradients((y * y).sum() + last.sum(),
                             {x, h, gru.w_i.value(), gru.w_h.value()});
    return std::pair(y, d);
  };
  const auto [y, d] = run(true);
  const auto [want, want_d] = run(false);
  expect_close(y, want);
  for (size_t i = 0; i < d.size(); ++i) expect_close(d[i], want_d[i], 10);
}

TEST(CuDNNGRUTest, OptionsAndErrors) {
  EXPECT_EQ(repr(CuDNNGRU{4}), "CuDNNGRU(hidden_size=4)");
  const CuDNNGRU gru{3};
  const at::Tensor h = gru.initial_state(2);
  EXPECT_TRUE(at::equal(h, at::zeros({2, 3})));
  EXPECT_EQ(message_of([&] {
              gru(at::ones({2, 4}), h);
            }),
            "[CuDNNGRU] inputs must have rank 3, got shape [2, 4]");
  EXPECT_EQ(message_of([&] {
              gru(at::ones({0, 2, 4}), h);
            }),
            "[CuDNNGRU] inputs must have at least a single time step, got "
            "shape [0, 2, 4]");
  EXPECT_EQ(message_of([&] {
              gru(at::ones({5, 3, 4}), h);
            }),
            "[CuDNNGRU] prev_state must have shape [3, 3], got [2, 3]");
}

}  // namespace
}  // namespace snt::cudnn_gru_test
