#include "sonnet/metrics/exponential_moving_average.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "sonnet/core/build.h"
#include "sonnet/core/clone.h"
#include "sonnet/core/errors.h"
#include "sonnet/core/options.h"
#include "sonnet/core/variables.h"
#include "sonnet/testing/expect_close.h"
#include "sonnet/testing/message_of.h"
#include "sonnet/testing/uneven.h"

namespace snt::exponential_moving_average_test {
namespace {

using Sizes = std::vector<int64_t>;

struct Net {
  ExponentialMovingAverage slow{0.9};
};

TEST(ExponentialMovingAverageTest, ValuesOfTheDocumentation) {
  for (at::ScalarType dtype :
       {at::kFloat, at::kDouble, at::kHalf, at::kBFloat16}) {
    const ExponentialMovingAverage average{0.5};
    EXPECT_EQ(average(at::full({}, 3, dtype)).item<double>(), 3);
    EXPECT_EQ(average(at::full({}, 6, dtype)).item<double>(), 5);
    EXPECT_EQ(average.value().scalar_type(), dtype);
    EXPECT_EQ(average.hidden.value().item<double>(), 3.75);
    EXPECT_EQ(average.counter.value().item<int64_t>(), 2);
  }
}

// The recurrence, and what it adds up to: the mean of all values with the
// weights decay^(n - i).
TEST(ExponentialMovingAverageTest, AgainstTheRecurrenceAndTheWeightedMean) {
  for (const Sizes& shape :
       {Sizes{}, Sizes{0}, Sizes{1}, Sizes{2, 3}, Sizes{2, 1, 3, 2, 2}}) {
    for (double decay : {0.0, 0.5, 0.9, 0.99}) {
      const ExponentialMovingAverage average{decay};
      at::Tensor hidden = at::zeros(shape, at::kDouble);
      at::Tensor sum = at::zeros(shape, at::kDouble);
      double weights = 0;
      for (int64_t n = 1; n <= 6; ++n) {
        const at::Tensor value = uneven(shape, at::kDouble, n);
        hidden = decay * hidden + (1 - decay) * value;
        sum = decay * sum + value;
        weights = decay * weights + 1;
        const at::Tensor got = average(value);
        expect_close(average.hidden.value(), hidden);
        const double correction = 1 - std::pow(decay, static_cast<double>(n));
        expect_close(got, hidden / correction, at::kDouble, 100);
        expect_close(got, sum / weights, at::kDouble, 100);
      }
    }
  }
}

TEST(ExponentialMovingAverageTest, Dtypes) {
  for (at::ScalarType dtype :
       {at::kFloat, at::kDouble, at::kHalf, at::kBFloat16}) {
    const ExponentialMovingAverage average{0.75};
    double hidden = 0;
    for (int64_t n = 1; n <= 4; ++n) {
      const at::Tensor value = uneven({1}, dtype, n);
      hidden = 0.75 * hidden + 0.25 * value.item<double>();
      expect_close(
          average(value),
          at::full({1}, hidden / (1 - std::pow(0.75, static_cast<double>(n))),
                   at::kDouble),
          dtype, 4);
    }
  }
}

// A constant is its own average from the first value on.
TEST(ExponentialMovingAverageTest, ConstantsAndLinearity) {
  const ExponentialMovingAverage of_constant{0.9};
  const ExponentialMovingAverage of_x{0.9};
  const ExponentialMovingAverage of_both{0.9};
  for (int64_t n = 0; n < 5; ++n) {
    const at::Tensor x = uneven({3}, at::kDouble, n);
    expect_close(of_constant(at::full({3}, 7., at::kDouble)),
                 at::full({3}, 7., at::kDouble), at::kDouble, 10);
    expect_close(of_both(2 * x - 1), 2 * of_x(x) - 1, at::kDouble, 10);
  }
}

// bfloat16 holds 0.999 as 1, float32 what is still closer: Sonnet's averages
// are infinite there.
TEST(ExponentialMovingAverageTest, ADecayThatIsHeldAsOne) {
  for (const auto& [dtype, decay] :
       {std::pair(at::kBFloat16, 0.999), std::pair(at::kFloat, 1 - 1e-9)}) {
    const ExponentialMovingAverage average{decay};
    average.update(at::full({2}, 3., dtype));
    expect_close(average(at::full({2}, 5., dtype)), at::full({2}, 4.), dtype,
                 5);
  }
}

TEST(ExponentialMovingAverageTest, Reset) {
  const ExponentialMovingAverage average{0.5};
  average.update(at::full({2}, 7.));
  average.reset();
  expect_close(average.value(), at::zeros({2}));
  EXPECT_EQ(average.counter.value().item<int64_t>(), 0);
  expect_close(average(at::full({2}, 3.)), at::full({2}, 3.));
}

TEST(ExponentialMovingAverageTest, InitializeGivesZeros) {
  const ExponentialMovingAverage average{0.5};
  average.initialize(at::ones({2}));
  expect_close(average.value(), at::zeros({2}));
  EXPECT_EQ(average.counter.value().item<int64_t>(), 0);
}

TEST(ExponentialMovingAverageTest, ValuesAreSnapshots) {
  const ExponentialMovingAverage average{0.5};
  const at::Tensor x = uneven({2}).requires_grad_();
  const at::Tensor first = average(x);
  average.update(-5 * x);
  expect_close(first, x);
  EXPECT_FALSE(first.requires_grad());
}

TEST(ExponentialMovingAverageTest, Variables) {
  const ExponentialMovingAverage average{0.5};
  EXPECT_EQ(variables(average).size(), 1);  // The counter exists at once.
  average.update(at::ones({2}));
  const auto named = named_variables(average);
  ASSERT_EQ(named.size(), 3);
  EXPECT_EQ(named[0].path, "counter");
  EXPECT_EQ(named[1].path, "hidden");
  EXPECT_EQ(named[2].path, "average");
  EXPECT_EQ(named[0].variable.dtype(), at::kLong);
  for (const NamedVariable& entry : named) {
    EXPECT_FALSE(entry.variable.trainable());
  }
}

TEST(ExponentialMovingAverageTest, BuildMovesNothing) {
  const ExponentialMovingAverage average{0.5};
  build(average, at::ones({2}));
  EXPECT_EQ(average.counter.value().item<int64_t>(), 0);
  expect_close(average.value(), at::zeros({2}));
}

TEST(ExponentialMovingAverageTest, CopiesShareAndClonesDoNot) {
  const ExponentialMovingAverage average{0.5};
  const ExponentialMovingAverage copy = average;
  average.update(at::full({}, 3.));
  const ExponentialMovingAverage other = clone(average);
  copy.update(at::full({}, 6.));
  EXPECT_EQ(average.value().item<double>(), 5);
  EXPECT_EQ(other.value().item<double>(), 3);
}

TEST(ExponentialMovingAverageTest, Options) {
  EXPECT_EQ(repr(ExponentialMovingAverage{0.9}),
            "ExponentialMovingAverage(decay=0.9)");
  EXPECT_EQ(repr(ExponentialMovingAverage{0.999, "slow"}),
            "ExponentialMovingAverage(decay=0.999, name='slow')");
  EXPECT_EQ(to_json(ExponentialMovingAverage{0.9}), R"({"decay":0.9})");
  EXPECT_STREQ(
      message_of([] { from_json<ExponentialMovingAverage>("{}"); }).c_str(),
      "[ExponentialMovingAverage] option 'decay' is required");
}

TEST(ExponentialMovingAverageTest, Errors) {
  const Net net;
  const ExponentialMovingAverage& average = net.slow;
  const char* too_early =
      "[Variable] cannot be read before the first call: call the module once, "
      "or snt::build(module, inputs...)";
  EXPECT_STREQ(message_of<NotBuiltError>([&] { average.value(); }).c_str(),
               too_early);
  EXPECT_STREQ(message_of<NotBuiltError>([&] { average.reset(); }).c_str(),
               too_early);
  EXPECT_STREQ(message_of<TypeError>([&] {
                 average.update(at::ones({2, 3}, at::kLong));
               }).c_str(),
               "[ExponentialMovingAverage] value must be floating, got int64");
  average.update(at::ones({2, 3}));
  named_variables(net);
  EXPECT_STREQ(message_of([&] {
                 average.update(at::ones({3, 2}));
               }).c_str(),
               "[Variable slow/hidden] was created with shape [2, 3], but this "
               "call needs [3, 2]");
  EXPECT_STREQ(message_of<TypeError>([&] {
                 average.update(at::ones({2, 3}, at::kInt));
               }).c_str(),
               "[ExponentialMovingAverage slow] value must be floating, got "
               "int32");
  // Nothing has changed after an error.
  EXPECT_THROW(average.update(at::ones({2, 3}, at::kDouble)), ValueError);
  EXPECT_EQ(average.counter.value().item<int64_t>(), 1);
  expect_close(average.value(), at::ones({2, 3}));
}

}  // namespace
}  // namespace snt::exponential_moving_average_test
