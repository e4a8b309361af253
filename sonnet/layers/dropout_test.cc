#include "sonnet/layers/dropout.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <optional>
#include <vector>

#include "sonnet/core/build.h"
#include "sonnet/core/errors.h"
#include "sonnet/core/gradients.h"
#include "sonnet/core/options.h"
#include "sonnet/core/random.h"
#include "sonnet/core/variable.h"
#include "sonnet/core/variables.h"
#include "sonnet/testing/message_of.h"
#include "sonnet/testing/uneven.h"

namespace snt::dropout_test {
namespace {

using Sizes = std::vector<int64_t>;

struct Net {
  Dropout dropout{0.5};

  at::Tensor operator()(const at::Tensor& x) const {
    return dropout(x, /*is_training=*/true);
  }
};

TEST(DropoutTest, IdentityUnlessTraining) {
  for (at::ScalarType dtype :
       {at::kFloat, at::kDouble, at::kHalf, at::kBFloat16, at::kLong}) {
    const at::Tensor x = at::ones({2, 3}, dtype);
    EXPECT_TRUE(Dropout{0.5}(x, false).is_same(x));
  }
  const at::Tensor x = uneven({2, 3});
  EXPECT_TRUE(at::equal(Dropout{0}(x, true), x));
  EXPECT_TRUE(at::equal(dropout(x, 0), x));
  const at::Tensor no = at::scalar_tensor(false, at::kBool);
  EXPECT_TRUE(Dropout{0.5}(x, no).is_same(x));
  EXPECT_FALSE(at::equal(Dropout{0.5}(x, no.logical_not()), x));
}

// Equinox's law: every value is 0 or x / (1 - rate).
TEST(DropoutTest, DropsOrScales) {
  snt::seed(1);
  for (at::ScalarType dtype :
       {at::kFloat, at::kDouble, at::kHalf, at::kBFloat16}) {
    for (const Sizes& shape :
         {Sizes{}, Sizes{0}, Sizes{2, 0, 3}, Sizes{1}, Sizes{2, 3, 2, 3, 2}}) {
      for (double rate : {0.25, 0.5, 0.75}) {
        for (const std::optional<int64_t>& seed :
             {std::optional<int64_t>(), std::optional<int64_t>(5)}) {
          const at::Tensor x = uneven(shape, dtype);
          const Dropout module{.rate = rate, .seed = seed};
          const at::Tensor y = module(x, true);
          EXPECT_EQ(y.scalar_type(), dtype);
          EXPECT_EQ(y.sizes(), x.sizes());
          // 1 / (1 - 0.25) is no number of bfloat16.
          const at::Tensor kept =
              x * at::scalar_tensor(1 / (1 - rate), at::kDouble).to(dtype);
          EXPECT_TRUE(at::logical_or(y == 0, y == kept).all().item<bool>());
        }
      }
    }
  }
}

// The fraction of zeros among n is within 5 of its standard deviations
// sqrt(rate (1 - rate) / n), the mean within 5 of its own, with p_fail < 1e-6
// each (and the seed is fixed).
TEST(DropoutTest, Statistics) {
  snt::seed(2);
  constexpr int64_t kSize = 100'000;
  const at::Tensor x = at::ones({100, kSize / 100}, at::kDouble);
  for (double rate : {0.1, 0.25, 0.5, 0.9}) {
    for (const std::optional<int64_t>& seed :
         {std::optional<int64_t>(), std::optional<int64_t>(5)}) {
      const at::Tensor y = Dropout{.rate = rate, .seed = seed}(x, true);
      const double zeros =
          (y == 0).sum().item<double>() / static_cast<double>(kSize);
      const double deviation =
          std::sqrt(rate * (1 - rate) / static_cast<double>(kSize));
      EXPECT_NEAR(zeros, rate, 5 * deviation);
      EXPECT_NEAR(y.mean().item<double>(), 1, 5 * deviation / (1 - rate));
    }
  }
}

TEST(DropoutTest, NoiseShape) {
  snt::seed(3);
  const at::Tensor x = at::ones({40, 6, 50});
  struct Case {
    Sizes noise_shape;
    Sizes groups;  // Values that share their fate, as a shape.
  };
  for (const auto& [noise_shape, groups] :
       {Case{{40, 1, 50}, {40, 1, 50}}, Case{{-1, 1, -1}, {40, 1, 50}},
        Case{{1, 6, 1}, {1, 6, 1}}, Case{{-1, 1, 1}, {40, 1, 1}},
        Case{{6, 50}, {1, 6, 50}}, Case{{50}, {1, 1, 50}},
        Case{{}, {1, 1, 1}}}) {
    const at::Tensor y =
        Dropout{.rate = 0.5, .noise_shape = noise_shape}(x, true);
    at::Tensor shared = y;
    for (int64_t d = 0; d < 3; ++d) {
      if (groups[d] == 1) shared = shared.slice(d, 0, 1);
    }
    EXPECT_TRUE(at::equal(y, shared.expand_as(y))) << groups;
    if (shared.numel() < 20) continue;  // 20 alike: p_fail = 2e-6.
    EXPECT_TRUE((shared == 0).any().item<bool>()) << groups;
    EXPECT_TRUE((shared == 2).any().item<bool>()) << groups;
  }
}

TEST(DropoutTest, CallsDiffer) {
  snt::seed(4);
  const at::Tensor x = at::ones({10, 10});
  for (const std::optional<int64_t>& seed :
       {std::optional<int64_t>(), std::optional<int64_t>(7)}) {
    const Dropout module{.rate = 0.5, .seed = seed};
    EXPECT_FALSE(at::equal(module(x, true), module(x, true)));
  }
}

TEST(DropoutTest, SeedRestartsAllStreams) {
  const at::Tensor x = at::ones({10, 10});
  for (const std::optional<int64_t>& own :
       {std::optional<int64_t>(), std::optional<int64_t>(7)}) {
    const Dropout module{.rate = 0.5, .seed = own};
    snt::seed(5);
    const at::Tensor first = module(x, true);
    const at::Tensor second = module(x, true);
    snt::seed(5);
    EXPECT_TRUE(at::equal(module(x, true), first));
    EXPECT_TRUE(at::equal(module(x, true), second));
    snt::seed(6);
    EXPECT_FALSE(at::equal(module(x, true), first));
  }
}

// A stream of its own: what others draw changes nothing.
TEST(DropoutTest, OwnSeedsAreIndependentOfOtherDraws) {
  const at::Tensor x = at::ones({10, 10});
  const Dropout module{.rate = 0.5, .seed = 7};
  snt::seed(5);
  const at::Tensor first = module(x, true);
  snt::seed(5);
  at::rand({3});
  dropout(x, 0.5);
  const at::Tensor other = dropout(x, 0.5, {}, 8);
  EXPECT_TRUE(at::equal(module(x, true), first));
  EXPECT_FALSE(at::equal(other, first));
}

TEST(DropoutTest, RateMayBeAVariable) {
  const Variable rate(at::scalar_tensor(0.5), /*trainable=*/false);
  const Dropout module{rate};
  const at::Tensor x = at::ones({10, 10});
  EXPECT_EQ(module(x, true).max().item<double>(), 2);
  rate.assign(0.0);
  EXPECT_TRUE(at::equal(module(x, true), x));
  const auto named = named_variables(module);
  ASSERT_EQ(named.size(), 1);
  EXPECT_EQ(named[0].path, "rate");
  EXPECT_EQ(named[0].variable, rate);
  // As any module without variables, it says so.
  EXPECT_THROW(variables(Dropout{0.5}), ValueError);
}

TEST(DropoutTest, GradientIsTheMask) {
  snt::seed(7);
  const at::Tensor x = uneven({5, 4}).requires_grad_();
  const at::Tensor y = dropout(x, 0.5);
  const at::Tensor gradient = snt::gradients(y.sum(), x);
  EXPECT_TRUE(at::allclose(gradient, y.detach() / x.detach()));
}

TEST(DropoutTest, BuildDrawsNothing) {
  const Net net;
  const at::Tensor x = at::ones({10, 10});
  snt::seed(8);
  const at::Tensor first = net(x);
  snt::seed(8);
  build(net, x);
  EXPECT_TRUE(at::equal(net(x), first));
}

TEST(DropoutTest, Options) {
  EXPECT_EQ(repr(Dropout{0.5}), "Dropout(rate=0.5)");
  EXPECT_EQ(repr(Dropout{0.25, {{2, 1}}, 7, "drop"}),
            "Dropout(rate=0.25, noise_shape=[2, 1], seed=7, name='drop')");
  EXPECT_EQ(to_json(Dropout{0.5}),
            R"({"rate":0.5,"noise_shape":null,"seed":null})");
  EXPECT_EQ(repr(from_json<Dropout>(R"({"rate": 0})")), "Dropout(rate=0.0)");
  EXPECT_EQ(message_of([] { from_json<Dropout>("{}"); }),
            "[Dropout] option 'rate' is required");
}

TEST(DropoutTest, Errors) {
  const at::Tensor x = at::ones({2, 3});
  EXPECT_STREQ(message_of([&] { Dropout{1}(x, true); }).c_str(),
               "[Dropout] `rate` must be a scalar tensor or a float in the "
               "range [0, 1). Received: rate=1.0");
  EXPECT_STREQ(message_of([&] { Dropout{1.5}(x, true); }).c_str(),
               "[Dropout] `rate` must be a scalar tensor or a float in the "
               "range [0, 1). Received: rate=1.5");
  EXPECT_STREQ(message_of([&] { dropout(x, -0.5); }).c_str(),
               "[Dropout] `rate` must be a scalar tensor or a float in the "
               "range [0, 1). Received: rate=-0.5");
  EXPECT_TRUE(at::equal(Dropout{1.5}(x, false), x));
  EXPECT_STREQ(
      message_of([] { dropout(at::ones({2}, at::kLong), 0.5); }).c_str(),
      "[Dropout] x must be floating, got int64");
  for (const Sizes& wrong :
       {Sizes{2, 2}, Sizes{3, 3}, Sizes{1, 2, 3}, Sizes{-1}}) {
    EXPECT_STREQ(
        message_of([&] { dropout(x, 0.5, wrong); }).c_str(),
        ("[Dropout] noise_shape must broadcast to the shape of x, got " +
         format(wrong) + " for shape [2, 3]")
            .c_str());
  }
}

}  // namespace
}  // namespace snt::dropout_test
