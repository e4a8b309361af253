#include "sonnet/layers/batch_norm.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "sonnet/core/build.h"
#include "sonnet/core/clone.h"
#include "sonnet/core/errors.h"
#include "sonnet/core/options.h"
#include "sonnet/core/variables.h"
#include "sonnet/initializers/constant.h"
#include "sonnet/layers/slow_norm_test.h"
#include "sonnet/testing/expect_close.h"
#include "sonnet/testing/expect_gradients.h"
#include "sonnet/testing/message_of.h"
#include "sonnet/testing/uneven.h"

namespace snt::batch_norm_test {
namespace {

using Sizes = std::vector<int64_t>;

at::Tensor first_scale(at::IntArrayRef shape, at::ScalarType dtype) {
  return uneven(shape, dtype, 5);
}

BatchNorm uneven_batch_norm(const std::string& format = "channels_last") {
  return {.create_scale = true,
          .create_offset = true,
          .decay_rate = 0.9,
          .eps = 0.01,
          .scale_init = first_scale,
          .offset_init = initializers::Constant{0.3},
          .data_format = format};
}

Index all_but(int64_t channel, int64_t rank) {
  Index axes;
  for (int64_t a = 0; a < rank; ++a) {
    if (a != channel) axes.push_back(a);
  }
  return axes;
}

// Mean and variance (divided by n - `bessel`) over all but the channels.
at::Tensor slow_variance(const at::Tensor& x, const Index& axes,
                         double bessel) {
  const at::Tensor wide = x.to(at::kDouble);
  const at::Tensor sum =
      (wide - wide.mean(axes, true)).square().sum(axes, true);
  double n = 1;
  for (int64_t a : axes) n *= static_cast<double>(x.size(a));
  return sum / (n - bessel);
}

// A batch in training, the state it leaves, and a batch by that state.
TEST(BatchNormTest, AgainstLoops) {
  for (const Sizes& shape : {Sizes{6, 4}, Sizes{3, 2, 4}, Sizes{2, 3, 2, 4},
                             Sizes{2, 2, 1, 3, 4}, Sizes{1, 4}}) {
    for (bool first : {false, true}) {
      for (at::ScalarType dtype : {at::kFloat, at::kDouble}) {
        const BatchNorm norm =
            uneven_batch_norm(first ? "channels_first" : "channels_last");
        const auto rank = static_cast<int64_t>(shape.size());
        const int64_t channel = first ? 1 : rank - 1;
        const Index axes = all_but(channel, rank);
        Sizes like_channels(rank, 1);
        like_channels[channel] = shape[channel];
        const at::Tensor scale =
            uneven({shape[channel]}, dtype, 5).view(like_channels);
        const at::Tensor x = uneven(shape, dtype) + 0.5;
        expect_close(norm(x, true), slow_norm(x, 0.01, axes) * scale + 0.3,
                     dtype, 20);

        const at::Tensor mean = norm.moving_mean.value();
        const at::Tensor variance = norm.moving_variance.value();
        const bool for_images = rank == 4 && !first && dtype == at::kFloat;
        expect_close(mean, x.to(at::kDouble).mean(axes, true), dtype, 10);
        expect_close(variance, slow_variance(x, axes, for_images ? 1 : 0),
                     dtype, 10);
        EXPECT_EQ(mean.sizes(), at::IntArrayRef(like_channels));

        const at::Tensor other = uneven(shape, dtype, 3);
        const at::Tensor want =
            (other - mean) / (variance + 0.01).sqrt() * scale + 0.3;
        expect_close(norm(other, false), want, dtype, 20);
        expect_close(norm(other, false, true),
                     slow_norm(other, 0.01, axes) * scale + 0.3, dtype, 20);
        EXPECT_EQ(norm.moving_mean.counter.value().item<int64_t>(), 1);
      }
    }
  }
}

TEST(BatchNormTest, ThreeBatchesWithTheDecayOfTheModule) {
  const BatchNorm norm{
      .create_scale = true, .create_offset = true, .decay_rate = 0.5};
  double hidden = 0;
  double weight = 1;
  for (double value : {3.0, 6.0, -1.0}) {
    const at::Tensor x = at::full({2, 1}, value, at::kDouble);
    norm(x, true);
    hidden = 0.5 * hidden + 0.5 * value;
    weight *= 0.5;
    EXPECT_NEAR(norm.moving_mean.value().item<double>(), hidden / (1 - weight),
                1e-14);
    EXPECT_EQ(norm.moving_variance.value().item<double>(), 0);
  }
}

// The averages are zeros before the first batch: x / sqrt(eps).
TEST(BatchNormTest, WithoutTrainingTheStatisticsAreZeros) {
  const BatchNorm norm{true, true};
  const at::Tensor x = uneven({2, 3});
  expect_close(norm(x, false), x / std::sqrt(1e-5), 10);
  EXPECT_EQ(norm.moving_mean.counter.value().item<int64_t>(), 0);
}

// One example has no variance, and not 0 / 0.
TEST(BatchNormTest, OneExample) {
  for (const Sizes& shape : {Sizes{1, 3}, Sizes{1, 1, 1, 3}}) {
    const BatchNorm norm{true, true};
    const at::Tensor x = uneven(shape, at::kFloat);
    EXPECT_TRUE(at::equal(norm(x, true), at::zeros(shape)));
    expect_close(norm.moving_variance.value(), at::zeros(shape));
    expect_close(norm.moving_mean.value(), x, 10);
  }
}

TEST(BatchNormTest, OfNothingTheMomentsAreNaN) {
  const BatchNorm norm{true, true};
  EXPECT_EQ(norm(at::ones({0, 2, 2, 3}), true).sizes(),
            at::IntArrayRef({0, 2, 2, 3}));
  EXPECT_TRUE(norm.moving_mean.value().isnan().all().item<bool>());
  EXPECT_TRUE(norm.moving_variance.value().isnan().all().item<bool>());
}

TEST(BatchNormTest, ChannelsFirstIsTheTransposed) {
  const at::Tensor x = uneven({2, 3, 4, 5});
  const BatchNorm last = uneven_batch_norm("NHWC");
  const BatchNorm first = uneven_batch_norm("NCHW");
  const at::Tensor turned = x.permute({0, 3, 1, 2});
  for (bool is_training : {true, false}) {
    expect_close(first(turned, is_training).permute({0, 2, 3, 1}),
                 last(x, is_training), 20);
  }
}

// Mean 0 and variance 1; a shift or factor of the batch is not seen.
TEST(BatchNormTest, Laws) {
  const BatchNorm norm{
      .create_scale = true, .create_offset = true, .eps = 1e-20};
  const at::Tensor x = uneven({3, 4, 2, 5});
  const at::Tensor y = norm(x, true);
  EXPECT_TRUE(
      at::allclose(y.mean(Index{0, 1, 2}), at::zeros({5}, at::kDouble)));
  EXPECT_TRUE(at::allclose(y.square().mean(Index{0, 1, 2}),
                           at::ones({5}, at::kDouble)));
  EXPECT_TRUE(at::allclose(norm(3 * x + 7, true), y));
}

// [C] goes into the kernel, what differs between examples does not.
TEST(BatchNormTest, ParametersOfTheCall) {
  for (const Sizes& shape : {Sizes{3, 4}, Sizes{3, 2, 2, 4}}) {
    const BatchNorm norm{false, false};
    const at::Tensor x = uneven(shape);
    const auto rank = static_cast<int64_t>(shape.size());
    Sizes each(rank, 1);
    each[0] = 3;
    each.back() = 4;
    const at::Tensor plain = slow_norm(x, 1e-5, all_but(rank - 1, rank));
    const at::Tensor scale = uneven({4}, at::kDouble, 7);
    const at::Tensor offset = uneven(each, at::kDouble, 8);
    expect_close(norm(x, true), plain, 20);
    expect_close(norm(x, true, false, scale), plain * scale, 20);
    expect_close(norm(x, true, false, {}, offset), plain + offset, 20);
    expect_close(norm(x, true, false, offset, scale), plain * offset + scale,
                 20);
    EXPECT_TRUE(norm.scale.is_built());
    EXPECT_EQ(trainable_variables(allow_empty_variables(norm)).size(), 0);
  }
}

TEST(BatchNormTest, FlagsMayBeTensors) {
  const BatchNorm norm{true, true};
  const at::Tensor x = uneven({2, 3});
  norm(x, at::scalar_tensor(true, at::kBool));
  EXPECT_EQ(norm.moving_mean.counter.value().item<int64_t>(), 1);
  expect_close(norm(x, at::scalar_tensor(false, at::kBool),
                    at::scalar_tensor(true, at::kBool)),
               slow_norm(x, 1e-5, Index{0}), 20);
  EXPECT_EQ(norm.moving_mean.counter.value().item<int64_t>(), 1);
}

// bfloat16 holds 0.999 as 1: the averages must survive that.
TEST(BatchNormTest, HalfTypes) {
  for (at::ScalarType dtype : {at::kHalf, at::kBFloat16}) {
    for (const Sizes& shape : {Sizes{8, 3}, Sizes{2, 2, 2, 3}}) {
      const BatchNorm norm{true, true};
      const at::Tensor x = uneven(shape, dtype);
      const auto rank = static_cast<int64_t>(shape.size());
      const Index axes = all_but(rank - 1, rank);
      expect_close(norm(x, true), slow_norm(x, 1e-5, axes), dtype, 3);
      EXPECT_EQ(norm.moving_mean.average.dtype(), dtype);
      expect_close(norm.moving_variance.value(), slow_variance(x, axes, 0),
                   dtype, 20);
      EXPECT_TRUE(norm(x, false).isfinite().all().item<bool>());
    }
  }
}

TEST(BatchNormTest, Gradients) {
  for (const char* format : {"NHWC", "NCHW"}) {
    for (bool local_stats : {true, false}) {
      const BatchNorm norm = uneven_batch_norm(format);
      const at::Tensor x = uneven({2, 3, 2, 3}).requires_grad_();
      norm(x, true);
      expect_gradients([&] { return norm(x, false, local_stats); },
                       {x, norm.scale.value(), norm.offset.value()});
    }
  }
  // Training changes the state between forward and backward.
  const BatchNorm norm = uneven_batch_norm();
  const at::Tensor x = uneven({4, 3}).requires_grad_();
  expect_gradients([&] { return norm(x, true); }, {x});
}

TEST(BatchNormTest, Variables) {
  const BatchNorm norm{true, false};
  build(norm, Shape{2, 3, 4, 5}, true);
  EXPECT_EQ(norm.moving_mean.counter.value().item<int64_t>(), 0);
  const auto named = named_variables(norm);
  ASSERT_EQ(named.size(), 8);
  EXPECT_EQ(named[2].path, "moving_mean/counter");
  EXPECT_EQ(named[7].path, "moving_variance/average");
  EXPECT_EQ(named[7].variable.shape(), at::IntArrayRef({1, 1, 1, 5}));
  EXPECT_EQ(trainable_variables(norm).size(), 1);
  EXPECT_EQ(norm.shape.get("", ""), Sizes({1, 1, 1, 5}));
}

TEST(BatchNormTest, ClonesGoTheirOwnWay) {
  const BatchNorm norm{true, true};
  const BatchNorm copy = norm;
  norm(uneven({4, 3}), true);
  const BatchNorm other = clone(norm);
  copy(uneven({4, 3}), true);
  EXPECT_EQ(norm.moving_mean.counter.value().item<int64_t>(), 2);
  EXPECT_EQ(other.moving_mean.counter.value().item<int64_t>(), 1);
}

TEST(BatchNormTest, Options) {
  EXPECT_EQ(repr(uneven_batch_norm()).substr(0, 10), "BatchNorm(");
  EXPECT_EQ(
      repr(BatchNorm{
          .create_scale = false, .create_offset = false, .decay_rate = 0.7}),
      "BatchNorm(create_scale=False, create_offset=False, decay_rate=0.7)");
  EXPECT_EQ(to_json(BatchNorm{true, true}),
            R"({"create_scale":true,"create_offset":true,"decay_rate":0.999,)"
            R"("eps":1e-05,"scale_init":null,"offset_init":null,)"
            R"("data_format":"channels_last"})");
}

TEST(BatchNormTest, Errors) {
  EXPECT_EQ(message_of([] {
              BatchNorm{.create_scale = false,
                        .create_offset = true,
                        .scale_init = initializers::Ones{}}(at::ones({2, 3}),
                                                            true);
            }),
            "[BatchNorm] Cannot set `scale_init` if `create_scale=False`");
  EXPECT_EQ(message_of([] {
              BatchNorm{.create_scale = true,
                        .create_offset = false,
                        .offset_init = initializers::Ones{}}(at::ones({2, 3}),
                                                             true);
            }),
            "[BatchNorm] Cannot set `offset_init` if `create_offset=False`");
  const BatchNorm norm{true, true};
  EXPECT_EQ(message_of([&] { norm(at::ones({3}), true); }),
            "[BatchNorm] x must have rank >= 2, got shape [3]");
  const at::Tensor x = at::ones({2, 3});
  norm(x, true);
  EXPECT_EQ(message_of([&] { norm(x, true, false, at::ones({3})); }),
            "[BatchNorm] Cannot pass `scale` at call time if "
            "`create_scale=True`.");
  EXPECT_EQ(message_of([&] { norm(x, true, false, {}, at::ones({3})); }),
            "[BatchNorm] Cannot pass `offset` at call time if "
            "`create_offset=True`.");
  EXPECT_EQ(message_of([&] {
              norm(at::ones({2, 5}), true);
            }),
            "[Variable] was created with shape [3], but this call needs [5]");
  EXPECT_THROW(norm(x.to(at::kDouble), true), TypeError);
  EXPECT_EQ(norm.moving_mean.counter.value().item<int64_t>(), 1);
}

}  // namespace
}  // namespace snt::batch_norm_test
