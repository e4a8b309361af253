#include "sonnet/optimizers/rounded.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace snt::optimizers::detail::rounded_test {
namespace {

double number(const Rounded& x) { return x.value.item<double>(); }

// float16 has 11 significant bits, bfloat16 8.
TEST(RoundedTest, RoundsWhatItIsGiven) {
  EXPECT_EQ(number(Rounded::of(2049.0, at::kHalf)), 2048);
  EXPECT_EQ(number(Rounded::of(2051.0, at::kHalf)), 2052);
  EXPECT_EQ(number(Rounded::of(257.0, at::kBFloat16)), 256);
  EXPECT_EQ(number(Rounded::of(1e-9, at::kHalf)), 0);
}

TEST(RoundedTest, RoundsEachOperation) {
  const auto half = [](double x) { return Rounded::of(x, at::kHalf); };
  EXPECT_EQ(number(half(2048) + half(1)), 2048);
  EXPECT_EQ(number(half(2048) + half(1) + half(1)), 2048);  // Not 2050.
  EXPECT_EQ(number(half(4096) - half(1)), 4096);
  EXPECT_EQ(number(half(45) * half(91)), 4096);  // 4095
  EXPECT_EQ(number(half(1) / half(3)), 0.333251953125);
  EXPECT_EQ(number(pow(half(3), half(7))), 2188);  // 2187
  EXPECT_EQ(number(sqrt(half(2))), 1.4140625);
}

TEST(RoundedTest, KeepsWhatTheHalfTypeDoesNotHold) {
  const Rounded zero = Rounded::of(0.0, at::kHalf);
  EXPECT_NEAR(number(plus_epsilon(zero, 1e-8)), 1e-8, 1e-12);
  EXPECT_NEAR(number(rsqrt(plus_epsilon(zero, 1e-10))), 1e5, 200);
  EXPECT_EQ(number(plus_epsilon(Rounded::of(2048.0, at::kHalf), 1.0)), 2048);
  EXPECT_EQ(number(rsqrt(Rounded::of(2.0, at::kHalf))), 0.70703125);
}

// Seen with TensorFlow 2.15: full vectors of 8 elements are rounded once, the
// rest twice (1.0009765625 has the root 1, rounded).
TEST(RoundedTest, RsqrtRoundsTheRestTwice) {
  for (const int64_t size : {1, 7, 8, 9, 17}) {
    const Rounded x{at::full({size}, 1.0009765625), at::kHalf};
    const at::Tensor y = rsqrt(x).value;
    const int64_t whole = size / 8 * 8;
    EXPECT_TRUE(
        at::equal(y.slice(0, 0, whole), at::full({whole}, 0.99951171875)));
    EXPECT_TRUE(at::equal(y.slice(0, whole), at::full({size - whole}, 1.0)));
  }
}

TEST(RoundedTest, EpsilonIsRoundedWhereItIsHeld) {
  // 0.001 is 0.00100040435791015625 in float16.
  const Rounded x = Rounded::of(0.001, at::kHalf);
  EXPECT_EQ(number(plus_epsilon(x, 0.001)), 2 * number(x));
}

}  // namespace
}  // namespace snt::optimizers::detail::rounded_test
