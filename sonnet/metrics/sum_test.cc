#include "sonnet/metrics/sum.h"

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

namespace snt::sum_test {
namespace {

using Sizes = std::vector<int64_t>;

struct Net {
  Sum total;
};

TEST(SumTest, AddsUp) {
  for (const Sizes& shape :
       {Sizes{}, Sizes{0}, Sizes{1}, Sizes{2, 3}, Sizes{2, 1, 3, 2, 2}}) {
    for (at::ScalarType dtype : {at::kFloat, at::kDouble, at::kHalf,
                                 at::kBFloat16, at::kInt, at::kLong}) {
      const double size = at::isFloatingType(dtype) ? 1 : 9;
      const Sum sum;
      at::Tensor want = at::zeros(shape, at::kDouble);
      for (int64_t step = 0; step < 4; ++step) {
        const at::Tensor value =
            (size * uneven(shape, at::kDouble, step)).to(dtype);
        want = want + value.to(at::kDouble);
        expect_close(sum(value), want, dtype, 4);
        expect_close(sum.value(), want, dtype, 4);
      }
      sum.reset();
      expect_close(sum.value(), at::zeros(shape), dtype);
      EXPECT_EQ(sum.sum.dtype(), dtype);
    }
  }
}

// The sum of a linear map is the map of the sum, in any order.
TEST(SumTest, IsLinear) {
  const at::Tensor a = uneven({3});
  const at::Tensor b = uneven({3}, at::kDouble, 1);
  const Sum sum;
  const Sum other;
  sum.update(a);
  sum.update(b);
  other.update(-2 * b);
  other.update(-2 * a);
  expect_close(other.value(), -2 * sum.value());
}

TEST(SumTest, InitializeGivesZeros) {
  const Sum sum;
  sum.initialize(uneven({2, 3}));
  expect_close(sum.value(), at::zeros({2, 3}), at::kDouble);
  sum.update(uneven({2, 3}));
  sum.initialize(uneven({2, 3}));  // It exists: nothing happens.
  expect_close(sum.value(), uneven({2, 3}));
}

// A value stays what it was, and is no part of any graph.
TEST(SumTest, ValuesAreSnapshots) {
  const Sum sum;
  const at::Tensor x = uneven({2}).requires_grad_();
  const at::Tensor first = sum(x);
  sum.update(x);
  expect_close(first, x);
  EXPECT_FALSE(first.requires_grad());
  EXPECT_FALSE(sum.sum.value().requires_grad());
}

TEST(SumTest, Variables) {
  const Sum sum;
  EXPECT_THROW(variables(sum), ValueError);
  sum.update(at::ones({2}));
  const auto named = named_variables(sum);
  ASSERT_EQ(named.size(), 1);
  EXPECT_EQ(named[0].path, "sum");
  EXPECT_FALSE(named[0].variable.trainable());
}

TEST(SumTest, BuildAddsNothing) {
  const Sum sum;
  build(sum, at::ones({2}));
  expect_close(sum.value(), at::zeros({2}));
}

TEST(SumTest, CopiesShareAndClonesDoNot) {
  const Sum sum;
  const Sum copy = sum;
  sum.update(at::ones({2}));
  copy.update(at::ones({2}));
  const Sum other = clone(sum);
  other.update(at::ones({2}));
  expect_close(sum.value(), at::full({2}, 2.f));
  expect_close(other.value(), at::full({2}, 3.f));
}

TEST(SumTest, Options) {
  EXPECT_EQ(repr(Sum{}), "Sum()");
  EXPECT_EQ(repr(Sum{.name = "loss"}), "Sum(name='loss')");
  EXPECT_EQ(to_json(Sum{}), "{}");
}

TEST(SumTest, Errors) {
  const Net net;
  const Sum& sum = net.total;
  const char* too_early =
      "[Variable] cannot be read before the first call: call the module once, "
      "or snt::build(module, inputs...)";
  EXPECT_STREQ(message_of<NotBuiltError>([&] { sum.value(); }).c_str(),
               too_early);
  EXPECT_STREQ(message_of<NotBuiltError>([&] { sum.reset(); }).c_str(),
               too_early);
  sum.update(at::ones({2, 3}));
  named_variables(net);
  EXPECT_STREQ(message_of([&] {
                 sum.update(at::ones({3, 2}));
               }).c_str(),
               "[Variable total/sum] was created with shape [2, 3], but this "
               "call needs [3, 2]");
  EXPECT_STREQ(
      message_of([&] {
        sum.update(at::ones({2, 3}, at::kDouble));
      }).c_str(),
      "[Variable total/sum] Tensor conversion requested dtype float32 for "
      "Tensor with dtype float64");
  expect_close(sum.value(), at::ones({2, 3}));
}

}  // namespace
}  // namespace snt::sum_test
