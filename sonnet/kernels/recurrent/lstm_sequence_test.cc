#include "sonnet/kernels/recurrent/lstm_sequence.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <vector>

#include "sonnet/testing/expect_sequence.h"

namespace snt::kernels::lstm_sequence_test {
namespace {

using at::Tensor;

std::vector<Tensor> results(const LstmResult& result) {
  return {result.y, result.hidden, result.cell};
}

SequenceKernel kernel_with(const Tensor& lengths) {
  const auto sequence = [lengths](const std::vector<Tensor>& a) {
    return LstmSequence{a[0], a[1], a[2], a[3], a[4], a[5], lengths};
  };
  return {
      .takes =
          [=](const std::vector<Tensor>& a) { return takes_lstm(sequence(a)); },
      .fast = [=](const std::vector<Tensor>& a) -> std::vector<Tensor> {
        return results(lstm_sequence(sequence(a)));
      },
      .slow = [=](const std::vector<Tensor>& a) -> std::vector<Tensor> {
        return results(lstm_step_by_step(sequence(a)));
      }};
}
const SequenceKernel kernel = kernel_with({});

std::vector<Tensor> arguments(int64_t steps, int64_t batch, int64_t inputs,
                              int64_t hidden) {
  const double scale = 1 / std::sqrt(static_cast<double>(hidden));
  return {at::randn({steps, batch, inputs}),
          at::randn({batch, hidden}),
          at::randn({batch, hidden}),
          at::randn({inputs, 4 * hidden}) * scale,
          at::randn({hidden, 4 * hidden}) * scale,
          at::randn({4 * hidden})};
}

TEST(LstmSequenceTest, IsTheLstmStepByStep) {
  for (const auto& [t, b, i, h] : sequence_sizes()) {
    SCOPED_TRACE(testing::Message() << t << " " << b << " " << i << " " << h);
    expect_exact(kernel, arguments(t, b, i, h));
  }
}

TEST(LstmSequenceTest, TakesAnyStrides) {
  std::vector<Tensor> all = arguments(5, 6, 7, 9);
  all[0] = at::randn({6, 7, 5}).permute({2, 0, 1});  // Batch first.
  all[1] = at::randn({6, 18}).slice(1, 0, 18, 2);
  all[2] = all[2].t().contiguous().t();
  all[3] = all[3].t().contiguous().t();
  all[4] = at::randn({9, 40}).slice(1, 2, 38) * 0.3;
  all[5] = at::randn({72}).slice(0, 0, 72, 2);
  expect_exact(kernel, all);
}

TEST(LstmSequenceTest, OldProcessors) {
  expect_exact_on_old_processors(kernel, arguments(3, 17, 5, 11));
  expect_exact_on_old_processors(kernel, arguments(2, 6, 9, 40));
}

TEST(LstmSequenceTest, SomeGradientsOnly) {
  expect_some_gradients(kernel, arguments(4, 5, 6, 7));
}

TEST(LstmSequenceTest, BackwardTwiceAndSecondDerivatives) {
  expect_backward_twice(kernel, arguments(3, 4, 5, 6));
  expect_second_derivatives(kernel, arguments(3, 2, 3, 4));
}

TEST(LstmSequenceTest, NumbersThatAreNone) {
  expect_numbers_that_are_none(kernel, arguments(2, 6, 3, 5));
}

TEST(LstmSequenceTest, SequencesThatEndOnThreads) {
  expect_ended_sequences(kernel_with, arguments);
}

TEST(LstmSequenceTest, TakesOnlyWhatItCanDo) {
  expect_takes_only_float(kernel, arguments(2, 3, 4, 5));
  EXPECT_FALSE(kernel.takes(arguments(2, 0, 4, 5)));
  EXPECT_FALSE(kernel.takes(arguments(2, 3, 0, 5)));
}

TEST(LstmSequenceTest, ThreadsAtOnce) {
  expect_same_on_threads(kernel, arguments(5, 9, 6, 20));
}

}  // namespace
}  // namespace snt::kernels::lstm_sequence_test
