// at::lstm and its like have kernels on a CPU that take what cuDNN takes: there
// they are held against ours.

#include "sonnet/kernels/recurrent/libtorch_sequence.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <vector>

#include "sonnet/kernels/recurrent/recurrent_sequence.h"
#include "sonnet/testing/expect_close.h"

namespace snt::kernels::libtorch_sequence_test {
namespace {

using at::Tensor;
using Tensors = std::vector<Tensor>;

// x, hidden, cell, w_i, w_h and b for a cell of `gates` parts.
Tensors arguments(int64_t gates, at::ScalarType dtype) {
  Tensors all = {at::randn({4, 3, 5}),      at::randn({3, 6}),
                 at::randn({3, 6}),         at::randn({5, gates * 6}),
                 at::randn({6, gates * 6}), at::randn({gates * 6})};
  all[0] = all[0].transpose(0, 1).contiguous().transpose(0, 1);
  all[1] = all[1].t().contiguous().t();
  for (Tensor& t : all) t = t.to(dtype).set_requires_grad(true);
  return all;
}

// That results and gradients of both are the same.
void expect_same(const Tensors& args, const Tensors& got, const Tensors& want) {
  ASSERT_EQ(got.size(), want.size());
  Tensors weights;
  for (size_t i = 0; i < got.size(); ++i) {
    SCOPED_TRACE(testing::Message() << "result " << i);
    expect_close(got[i], want[i], 10);
    weights.push_back(at::randn_like(want[i]));
  }
  const auto gradients = [&](const Tensors& results) {
    return torch::autograd::grad(results, args, weights, {}, false,
                                 /*allow_unused=*/true);
  };
  const Tensors d = gradients(got), want_d = gradients(want);
  for (size_t i = 0; i < args.size(); ++i) {
    SCOPED_TRACE(testing::Message() << "gradient " << i);
    ASSERT_EQ(d[i].defined(), want_d[i].defined());
    if (d[i].defined()) expect_close(d[i], want_d[i], 100);
  }
}

TEST(LibtorchSequenceTest, LstmIsTheLstmStepByStep) {
  for (const at::ScalarType dtype : {at::kDouble, at::kFloat}) {
    const Tensors a = arguments(4, dtype);
    const LstmSequence s = {a[0], a[1], a[2], a[3], a[4], a[5]};
    const LstmResult got = lstm_by_libtorch(s), want = lstm_step_by_step(s);
    expect_same(a, {got.y, got.hidden, got.cell},
                {want.y, want.hidden, want.cell});
  }
}

TEST(LibtorchSequenceTest, RnnIsTheRnnStepByStep) {
  for (const bool is_relu : {false, true}) {
    const Tensors a = arguments(1, at::kDouble);
    const RnnSequence s = {a[0], a[1], a[3], a[4], a[5], is_relu};
    expect_same(a, {rnn_by_libtorch(s)}, {rnn_step_by_step(s)});
  }
}

TEST(LibtorchSequenceTest, GruIsTheGruStepByStep) {
  const Tensors a = arguments(3, at::kDouble);
  const GruSequence s = {.x = a[0],
                         .hidden = a[1],
                         .w_i = a[3],
                         .w_h = a[4],
                         .b = a[5],
                         .resets_after = true};
  expect_same(a, {gru_by_libtorch(s)}, {gru_step_by_step(s)});
}

TEST(LibtorchSequenceTest, WithoutGradients) {
  const at::NoGradGuard no_grad;
  const Tensors a = arguments(4, at::kDouble);
  const LstmSequence s = {a[0], a[1], a[2], a[3], a[4], a[5]};
  expect_close(lstm_by_libtorch(s).cell, lstm_step_by_step(s).cell, 10);
}

TEST(LibtorchSequenceTest, IsForCudaOnly) {
  const Tensors a = arguments(4, at::kDouble);
  EXPECT_FALSE(are_for_cudnn({&a[0], &a[1]}));
  EXPECT_FALSE(takes_sequence({&a[0], &a[1]}, {}));
}

}  // namespace
}  // namespace snt::kernels::libtorch_sequence_test
