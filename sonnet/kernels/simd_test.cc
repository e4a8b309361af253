#include "sonnet/kernels/simd.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

namespace snt::kernels::simd_test {
namespace {

struct SquashArgs {
  int64_t size;
  const float* x;
  float* exp;
  float* sigmoid;
  float* tanh;
};

template <class Isa>
struct Squash {
  static SNT_INLINE void run(SquashArgs& a) {
    for_vectors<Isa>(
        a.size, [&](int64_t i, int64_t count) __attribute__((always_inline)) {
          const Floats<Isa> x = load<Isa>(a.x + i, count);
          store<Isa>(a.exp + i, exp<Isa>(x), count);
          store<Isa>(a.sigmoid + i, sigmoid<Isa>(x), count);
          store<Isa>(a.tanh + i, tanh<Isa>(x), count);
        });
  }
};
SNT_DEFINE_RUN(Squash, SquashArgs)

struct Squashed {
  std::vector<float> exp, sigmoid, tanh;
};
Squashed squash(const std::vector<float>& x) {
  const std::vector<float> room(x.size());
  Squashed y = {room, room, room};
  SquashArgs args = {static_cast<int64_t>(x.size()), x.data(), y.exp.data(),
                     y.sigmoid.data(), y.tanh.data()};
  run_Squash(args);
  return y;
}

// How many units in the last place of `want` lie between.
double units_apart(double got, double want) {
  return std::abs(got - want) / std::ldexp(1.0, std::ilogb(want) - 23);
}

TEST(Simd, ExpSigmoidAndTanhToThreeUnitsInTheLastPlace) {
  std::vector<float> x;
  for (double size = 1e-30; size < 87; size *= 1.0003) {
    x.push_back(static_cast<float>(size));
    x.push_back(static_cast<float>(-size));
  }
  for (int level = 0; level <= 2; ++level) {
    limit_isa_level(level);
    const Squashed y = squash(x);
    double exp_off = 0, sigmoid_off = 0, tanh_off = 0;
    for (size_t i = 0; i < x.size(); ++i) {
      const double v = static_cast<double>(x[i]);
      exp_off = std::max(exp_off, units_apart(y.exp[i], std::exp(v)));
      sigmoid_off = std::max(sigmoid_off,
                             units_apart(y.sigmoid[i], 1 / (1 + std::exp(-v))));
      tanh_off = std::max(tanh_off, units_apart(y.tanh[i], std::tanh(v)));
    }
    EXPECT_LT(exp_off, 3) << level;
    EXPECT_LT(sigmoid_off, 3) << level;
    EXPECT_LT(tanh_off, 3) << level;
  }
  limit_isa_level(2);
}

TEST(Simd, ExpSigmoidAndTanhOfNumbersThatAreNone) {
  const float exp_of_minus_100 = 3.783506e-44F;  // 27 times the least number.
  const float inf = std::numeric_limits<float>::infinity();
  for (int level = 0; level <= 2; ++level) {
    limit_isa_level(level);
    const Squashed y = squash({NAN, inf, -inf, 0, 1e38F, -1e38F, 100, -100});
    EXPECT_TRUE(std::isnan(y.exp[0]));
    EXPECT_TRUE(std::isnan(y.sigmoid[0]) && std::isnan(y.tanh[0]));
    const std::vector<float> exp(y.exp.begin() + 1, y.exp.end());
    const std::vector<float> sigmoid(y.sigmoid.begin() + 1, y.sigmoid.end());
    const std::vector<float> tanh(y.tanh.begin() + 1, y.tanh.end());
    EXPECT_EQ(exp,
              (std::vector<float>{inf, 0, 1, inf, 0, inf, exp_of_minus_100}))
        << level;
    EXPECT_EQ(sigmoid, (std::vector<float>{1, 0, 0.5, 1, 0, 1, 0})) << level;
    EXPECT_EQ(tanh, (std::vector<float>{1, -1, 0, 1, -1, 1, -1})) << level;
  }
  limit_isa_level(2);
}

}  // namespace
}  // namespace snt::kernels::simd_test
