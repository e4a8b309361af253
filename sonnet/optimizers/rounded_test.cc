#include "sonnet/optimizers/rounded.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace snt::optimizers::detail {
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
  EXPECT_NEAR(number(rsqrt(plus_epsilon(zero, 1e-10))), 1e5, 1);
  EXPECT_EQ(number(plus_epsilon(Rounded::of(2048.0, at::kHalf), 1.0)), 2048);
  EXPECT_EQ(number(rsqrt(Rounded::of(2.0, at::kHalf))), 0.70703125);
}

}  // namespace
}  // namespace snt::optimizers::detail
