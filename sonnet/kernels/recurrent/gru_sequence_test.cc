#include "sonnet/kernels/recurrent/gru_sequence.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <vector>

#include "sonnet/testing/expect_sequence.h"

namespace snt::kernels::gru_sequence_test {
namespace {

using at::Tensor;

SequenceKernel kernel_with(const Tensor& lengths, bool resets_after = false) {
  const auto sequence = [=](const std::vector<Tensor>& a) {
    return GruSequence{a[0], a[1], a[2], a[3], a[4], lengths, resets_after};
  };
  return {
      .takes =
          [=](const std::vector<Tensor>& a) { return takes_gru(sequence(a)); },
      .fast = [=](const std::vector<Tensor>& a) -> std::vector<Tensor> {
        return {gru_sequence(sequence(a))};
      },
      .slow = [=](const std::vector<Tensor>& a) -> std::vector<Tensor> {
        return {gru_step_by_step(sequence(a))};
      }};
}
const SequenceKernel kernel = kernel_with({});
const SequenceKernel after = kernel_with({}, /*resets_after=*/true);

std::vector<Tensor> arguments(int64_t steps, int64_t batch, int64_t inputs,
                              int64_t hidden) {
  const double scale = 1 / std::sqrt(static_cast<double>(hidden));
  return {at::randn({steps, batch, inputs}), at::randn({batch, hidden}),
          at::randn({inputs, 3 * hidden}) * scale,
          at::randn({hidden, 3 * hidden}) * scale, at::randn({3 * hidden})};
}

TEST(GruSequenceTest, IsTheGruStepByStep) {
  for (const auto& [t, b, i, h] : sequence_sizes()) {
    SCOPED_TRACE(testing::Message() << t << " " << b << " " << i << " " << h);
    expect_exact(kernel, arguments(t, b, i, h));
    expect_exact(after, arguments(t, b, i, h));
  }
}

TEST(GruSequenceTest, TakesAnyStrides) {
  std::vector<Tensor> all = arguments(5, 6, 7, 9);
  all[0] = at::randn({6, 7, 5}).permute({2, 0, 1});  // Batch first.
  all[1] = at::randn({6, 18}).slice(1, 0, 18, 2);
  all[2] = all[2].t().contiguous().t();
  all[3] = at::randn({9, 30}).slice(1, 2, 29) * 0.3;
  all[4] = at::randn({54}).slice(0, 0, 54, 2);
  expect_exact(kernel, all);
  expect_exact(after, all);
}

TEST(GruSequenceTest, OldProcessors) {
  expect_exact_on_old_processors(kernel, arguments(3, 17, 5, 11));
  expect_exact_on_old_processors(kernel, arguments(2, 6, 9, 40));
  expect_exact_on_old_processors(after, arguments(2, 6, 9, 40));
}

TEST(GruSequenceTest, SomeGradientsOnly) {
  expect_some_gradients(kernel, arguments(4, 5, 6, 7));
  expect_some_gradients(after, arguments(4, 5, 6, 7));
}

TEST(GruSequenceTest, BackwardTwiceAndSecondDerivatives) {
  expect_backward_twice(kernel, arguments(3, 4, 5, 6));
  expect_second_derivatives(kernel, arguments(3, 2, 3, 4));
  expect_second_derivatives(after, arguments(3, 2, 3, 4));
}

TEST(GruSequenceTest, NumbersThatAreNone) {
  expect_numbers_that_are_none(kernel, arguments(2, 6, 3, 5));
  expect_numbers_that_are_none(after, arguments(2, 6, 3, 5));
}

TEST(GruSequenceTest, SequencesThatEndOnThreads) {
  for (const bool resets_after : {false, true}) {
    expect_ended_sequences(
        [&](const Tensor& lengths) {
          return kernel_with(lengths, resets_after);
        },
        arguments);
  }
}

TEST(GruSequenceTest, TakesOnlyWhatItCanDo) {
  expect_takes_only_float(kernel, arguments(2, 3, 4, 5));
  EXPECT_FALSE(kernel.takes(arguments(2, 0, 4, 5)));
  EXPECT_FALSE(kernel.takes(arguments(2, 3, 0, 5)));
}

TEST(GruSequenceTest, ThreadsAtOnce) {
  expect_same_on_threads(kernel, arguments(5, 9, 6, 20));
}

}  // namespace
}  // namespace snt::kernels::gru_sequence_test
