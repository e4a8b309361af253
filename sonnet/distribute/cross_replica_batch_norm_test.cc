#include "sonnet/distribute/cross_replica_batch_norm.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "sonnet/core/errors.h"
#include "sonnet/core/options.h"
#include "sonnet/core/variables.h"
#include "sonnet/initializers/constant.h"
#include "sonnet/layers/batch_norm.h"
#include "sonnet/layers/slow_norm_test.h"
#include "sonnet/metrics/exponential_moving_average.h"
#include "sonnet/metrics/mean.h"
#include "sonnet/testing/expect_close.h"
#include "sonnet/testing/expect_gradients.h"
#include "sonnet/testing/message_of.h"
#include "sonnet/testing/uneven.h"

namespace snt::distribute::cross_replica_batch_norm_test {
namespace {

CrossReplicaBatchNorm of_means() { return {true, true, Mean{}, Mean{}}; }

// With one replica it is BatchNorm, but for the variance of images.
TEST(CrossReplicaBatchNormTest, OneReplica) {
  for (at::ScalarType dtype :
       {at::kFloat, at::kDouble, at::kHalf, at::kBFloat16}) {
    const CrossReplicaBatchNorm norm = of_means();
    const at::Tensor x = uneven({4, 2, 3, 5}, dtype);
    expect_close(norm(x, true), slow_norm(x, 1e-5, Index{0, 1, 2}), dtype, 20);
    const at::Tensor wide = x.to(at::kDouble);
    const at::Tensor mean = wide.mean(Index{0, 1, 2}, true);
    const at::Tensor variance =
        (wide - mean).square().mean(Index{0, 1, 2}, true);
    expect_close(norm.moving_mean.value(), mean, dtype, 10);
    expect_close(norm.moving_variance.value(), variance, dtype, 10);
    const at::Tensor other = uneven({2, 2, 3, 5}, dtype, 3);
    expect_close(norm(other, false),
                 (other.to(at::kDouble) - mean) / (variance + 1e-5).sqrt(),
                 dtype, 20);
    // Local statistics are those of the batch, and leave no trace.
    expect_close(norm(other, false, true),
                 slow_norm(other, 1e-5, Index{0, 1, 2}), dtype, 20);
    expect_close(norm.moving_mean.value(), mean, dtype, 10);
  }
}

// Two replicas, of which the other one's moments are known, are one batch.
TEST(CrossReplicaBatchNormTest, TwoReplicasAreOneBatch) {
  const at::Tensor all = uneven({6, 4});
  const at::Tensor mine = all.narrow(0, 0, 3);
  const at::Tensor theirs = all.narrow(0, 3, 3);
  CrossReplicaBatchNorm norm = of_means();
  norm.all_reduce_mean = [&](const at::Tensor& x) {
    EXPECT_EQ(x.sizes(), at::IntArrayRef({2, 1, 4}));
    return (x + at::stack({theirs.mean(Index{0}, true),
                           theirs.square().mean(Index{0}, true)})) /
           2;
  };
  expect_close(norm(mine, true), slow_norm(all, 1e-5, Index{0}).narrow(0, 0, 3),
               20);
  expect_close(norm.moving_mean.value(), all.mean(Index{0}, true));
}

TEST(CrossReplicaBatchNormTest, ParametersAndFormats) {
  const CrossReplicaBatchNorm norm{.create_scale = false,
                                   .create_offset = false,
                                   .moving_mean = Mean{},
                                   .moving_variance = Mean{},
                                   .data_format = "NCHW"};
  const at::Tensor x = uneven({2, 3, 2, 2});
  const at::Tensor scale = uneven({2, 3, 1, 1}, at::kDouble, 7);
  expect_close(norm(x, true, false, scale),
               slow_norm(x, 1e-5, Index{0, 2, 3}) * scale, 20);
  EXPECT_EQ(norm.scale.shape(), at::IntArrayRef({3, 1, 1}));
  EXPECT_EQ(norm.shape.get("", ""), std::vector<int64_t>({1, 3, 1, 1}));
}

TEST(CrossReplicaBatchNormTest, Gradients) {
  const CrossReplicaBatchNorm norm = of_means();
  const at::Tensor x = uneven({4, 3}).requires_grad_();
  norm(x, true);
  for (bool local_stats : {true, false}) {
    expect_gradients([&] { return norm(x, false, local_stats); },
                     {x, norm.scale.value(), norm.offset.value()});
  }
}

TEST(CrossReplicaBatchNormTest, OptionsAndErrors) {
  const CrossReplicaBatchNorm norm{true, true, ExponentialMovingAverage{0.9},
                                   ExponentialMovingAverage{0.9}};
  EXPECT_EQ(repr(norm).substr(0, 22), "CrossReplicaBatchNorm(");
  EXPECT_EQ(to_json(from_json<CrossReplicaBatchNorm>(to_json(norm))),
            to_json(norm));
  const CrossReplicaBatchNorm wrong{.create_scale = false,
                                    .create_offset = true,
                                    .moving_mean = Mean{},
                                    .moving_variance = Mean{},
                                    .scale_init = initializers::Ones{}};
  EXPECT_EQ(message_of([&] {
              wrong(at::ones({2, 3}), true);
            }),
            "[CrossReplicaBatchNorm] Cannot set `scale_init` if "
            "`create_scale=False`");
}

}  // namespace
}  // namespace snt::distribute::cross_replica_batch_norm_test
