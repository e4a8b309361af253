#include "sonnet/kernels/recurrent/rnn_sequence.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <vector>

#include "sonnet/testing/expect_sequence.h"

namespace snt::kernels::rnn_sequence_test {
namespace {

using at::Tensor;

SequenceKernel kernel_with(bool is_relu, const Tensor& lengths = {}) {
  const auto sequence = [=](const std::vector<Tensor>& a) {
    return RnnSequence{a[0], a[1], a[2], a[3], a[4], is_relu, lengths};
  };
  return {
      .takes =
          [=](const std::vector<Tensor>& a) { return takes_rnn(sequence(a)); },
      .fast = [=](const std::vector<Tensor>& a) -> std::vector<Tensor> {
        return {rnn_sequence(sequence(a))};
      },
      .slow = [=](const std::vector<Tensor>& a) -> std::vector<Tensor> {
        return {rnn_step_by_step(sequence(a))};
      }};
}
const SequenceKernel kernel = kernel_with(/*is_relu=*/false);
const SequenceKernel relu_kernel = kernel_with(/*is_relu=*/true);

std::vector<Tensor> arguments(int64_t steps, int64_t batch, int64_t inputs,
                              int64_t hidden) {
  const double scale = 1 / std::sqrt(static_cast<double>(hidden));
  // Sums far from 0 would lose digits of 1 - tanh^2.
  return {at::randn({steps, batch, inputs}) / std::sqrt(inputs),
          at::randn({batch, hidden}) * 0.5,
          at::randn({inputs, hidden}).clamp(-1, 1),
          at::randn({hidden, hidden}).clamp(-1, 1) * scale,
          at::randn({hidden}) * 0.3};
}

TEST(RnnSequenceTest, IsTheRnnStepByStep) {
  for (const auto& [t, b, i, h] : sequence_sizes()) {
    SCOPED_TRACE(testing::Message() << t << " " << b << " " << i << " " << h);
    expect_exact(kernel, arguments(t, b, i, h));
    expect_exact(relu_kernel, arguments(t, b, i, h));
  }
}

TEST(RnnSequenceTest, TakesAnyStrides) {
  std::vector<Tensor> all = arguments(5, 6, 7, 9);
  all[0] = at::randn({6, 7, 5}).permute({2, 0, 1});  // Batch first.
  all[1] = at::randn({6, 18}).slice(1, 0, 18, 2);
  all[2] = all[2].t().contiguous().t();
  all[3] = at::randn({9, 14}).slice(1, 2, 11) * 0.3;
  all[4] = at::randn({18}).slice(0, 0, 18, 2);
  expect_exact(kernel, all);
}

TEST(RnnSequenceTest, OldProcessors) {
  expect_exact_on_old_processors(kernel, arguments(3, 17, 5, 11));
  expect_exact_on_old_processors(kernel, arguments(2, 6, 9, 40));
}

TEST(RnnSequenceTest, SomeGradientsOnly) {
  expect_some_gradients(kernel, arguments(4, 5, 6, 7));
}

TEST(RnnSequenceTest, BackwardTwiceAndSecondDerivatives) {
  expect_backward_twice(kernel, arguments(3, 4, 5, 6));
  expect_second_derivatives(kernel, arguments(3, 2, 3, 4));
  expect_second_derivatives(relu_kernel, arguments(3, 2, 3, 4));
}

TEST(RnnSequenceTest, NumbersThatAreNone) {
  expect_numbers_that_are_none(kernel, arguments(2, 6, 3, 5));
  expect_numbers_that_are_none(relu_kernel, arguments(2, 6, 3, 5));
}

TEST(RnnSequenceTest, SequencesThatEndOnThreads) {
  for (const bool is_relu : {false, true}) {
    expect_ended_sequences(
        [&](const Tensor& lengths) { return kernel_with(is_relu, lengths); },
        arguments);
  }
}

TEST(RnnSequenceTest, TakesOnlyWhatItCanDo) {
  expect_takes_only_float(kernel, arguments(2, 3, 4, 5));
  EXPECT_FALSE(kernel.takes(arguments(2, 0, 4, 5)));
  EXPECT_FALSE(kernel.takes(arguments(2, 3, 0, 5)));
}

TEST(RnnSequenceTest, ThreadsAtOnce) {
  expect_same_on_threads(kernel, arguments(5, 9, 6, 20));
}

}  // namespace
}  // namespace snt::kernels::rnn_sequence_test
