#include "sonnet/metrics/mean.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

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

namespace snt::mean_test {
namespace {

using Sizes = std::vector<int64_t>;

struct Net {
  Mean accuracy;
};

TEST(MeanTest, SumByCount) {
  for (const Sizes& shape :
       {Sizes{}, Sizes{0}, Sizes{1}, Sizes{2, 3}, Sizes{2, 1, 3, 2, 2}}) {
    for (at::ScalarType dtype :
         {at::kFloat, at::kDouble, at::kHalf, at::kBFloat16}) {
      const Mean mean;
      at::Tensor sum = at::zeros(shape, at::kDouble);
      for (int64_t step = 0; step < 5; ++step) {
        const at::Tensor value = uneven(shape, dtype, step);
        sum = sum + value.to(at::kDouble);
        const at::Tensor want = sum / static_cast<double>(step + 1);
        expect_close(mean(value), want, dtype, 4);
        expect_close(mean.value(), want, dtype, 4);
        EXPECT_EQ(mean.count.value().item<int64_t>(), step + 1);
      }
    }
  }
}

// As TensorFlow's division: float32 could not hold these.
TEST(MeanTest, WideIntegersGiveFloat64) {
  for (at::ScalarType dtype : {at::kInt, at::kLong}) {
    const Mean mean;
    mean.update(at::full({2}, 16777217, dtype));
    expect_close(mean(at::full({2}, 16777216, dtype)),
                 at::full({2}, 16777216.5, at::kDouble), at::kDouble, 0);
    EXPECT_EQ(mean.sum.dtype(), dtype);
  }
}

// mean(a x + b y) = a mean(x) + b mean(y), and a constant is its own mean.
TEST(MeanTest, IsLinear) {
  const Mean of_x;
  const Mean of_y;
  const Mean of_both;
  for (int64_t step = 0; step < 5; ++step) {
    const at::Tensor x = uneven({3}, at::kDouble, step);
    const at::Tensor y = uneven({3}, at::kDouble, step + 50);
    of_x.update(x);
    of_y.update(y);
    of_both.update(2 * x - 3 * y + 1);
  }
  expect_close(of_both.value(), 2 * of_x.value() - 3 * of_y.value() + 1);
}

TEST(MeanTest, Reset) {
  const Mean mean;
  mean.update(at::full({2}, 7.));
  mean.reset();
  EXPECT_TRUE(mean.value().isnan().all().item<bool>());  // 0 / 0, as Sonnet.
  expect_close(mean(at::full({2}, 3.)), at::full({2}, 3.));
}

TEST(MeanTest, Initialize) {
  const Mean mean;
  mean.initialize(at::ones({2}));
  EXPECT_TRUE(mean.value().isnan().all().item<bool>());
  expect_close(mean(at::full({2}, 3.)), at::full({2}, 3.));
}

TEST(MeanTest, ValuesAreNoPartOfAGraph) {
  const Mean mean;
  const at::Tensor x = uneven({2}).requires_grad_();
  EXPECT_FALSE(mean(x).requires_grad());
}

TEST(MeanTest, Variables) {
  const Mean mean;
  EXPECT_EQ(variables(mean).size(), 1);  // The count exists at once.
  mean.update(at::ones({2}));
  const auto named = named_variables(mean);
  ASSERT_EQ(named.size(), 2);
  EXPECT_EQ(named[0].path, "sum");
  EXPECT_EQ(named[1].path, "count");
  EXPECT_EQ(named[1].variable.dtype(), at::kLong);
  for (const NamedVariable& entry : named) {
    EXPECT_FALSE(entry.variable.trainable());
  }
}

TEST(MeanTest, BuildCountsNothing) {
  const Mean mean;
  build(mean, at::ones({2}));
  EXPECT_EQ(mean.count.value().item<int64_t>(), 0);
}

TEST(MeanTest, CopiesShareAndClonesDoNot) {
  const Mean mean;
  const Mean copy = mean;
  mean.update(at::full({2}, 1.));
  copy.update(at::full({2}, 2.));
  const Mean other = clone(mean);
  other.update(at::full({2}, 6.));
  expect_close(mean.value(), at::full({2}, 1.5));
  expect_close(other.value(), at::full({2}, 3.));
}

TEST(MeanTest, Options) {
  EXPECT_EQ(repr(Mean{}), "Mean()");
  EXPECT_EQ(repr(Mean{.name = "loss"}), "Mean(name='loss')");
  EXPECT_EQ(to_json(Mean{}), "{}");
}

TEST(MeanTest, Errors) {
  const Net net;
  const Mean& mean = net.accuracy;
  const char* too_early =
      "[Variable] cannot be read before the first call: call the module once, "
      "or snt::build(module, inputs...)";
  EXPECT_STREQ(message_of<NotBuiltError>([&] { mean.value(); }).c_str(),
               too_early);
  EXPECT_STREQ(message_of<NotBuiltError>([&] { mean.reset(); }).c_str(),
               too_early);
  mean.update(at::ones({2, 3}));
  named_variables(net);
  EXPECT_STREQ(message_of([&] {
                 mean.update(at::ones({3, 2}));
               }).c_str(),
               "[Variable accuracy/sum] was created with shape [2, 3], but "
               "this call needs [3, 2]");
  EXPECT_THROW(mean.update(at::ones({2, 3}, at::kDouble)), ValueError);
  EXPECT_EQ(mean.count.value().item<int64_t>(), 1);
}

}  // namespace
}  // namespace snt::mean_test
