#include "sonnet/layers/base_batch_norm.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "sonnet/core/clone.h"
#include "sonnet/core/errors.h"
#include "sonnet/core/options.h"
#include "sonnet/core/variables.h"
#include "sonnet/layers/slow_norm_test.h"
#include "sonnet/metrics/mean.h"
#include "sonnet/metrics/sum.h"
#include "sonnet/testing/expect_close.h"
#include "sonnet/testing/message_of.h"
#include "sonnet/testing/uneven.h"

namespace snt::base_batch_norm_test {
namespace {

// A metric of a user: the value it was initialised with, until an update.
struct LastValue {
  Variable last = Variable::state();

  void initialize(const at::Tensor& value) const {
    last.create(value.sizes(), value, [&](auto, auto) { return value; });
  }
  void update(const at::Tensor& value) const { last.assign(value); }
  at::Tensor value() const { return last.value().clone(); }
  void reset() const { last.assign(at::zeros_like(last.value())); }
};

BaseBatchNorm last_values() { return {true, true, LastValue{}, LastValue{}}; }

// The metrics are given the moments of the first batch, in training or not.
TEST(BaseBatchNormTest, MetricsAreInitializedWithTheMoments) {
  const BaseBatchNorm norm = last_values();
  const at::Tensor x = uneven({4, 3, 5});
  expect_close(norm(x, false), slow_norm(x, 1e-5, Index{0, 1}), 10);
  const auto* mean = norm.moving_mean.get_if<LastValue>();
  expect_close(mean->last.value(), x.mean(Index{0, 1}, true));
  EXPECT_EQ(norm.shape.get("", ""), std::vector<int64_t>({1, 1, 5}));

  norm(3 * x, true);
  expect_close(mean->last.value(), 3 * x.mean(Index{0, 1}, true));
}

TEST(BaseBatchNormTest, PathsGoThroughTheMetrics) {
  const BaseBatchNorm norm{true, false, Mean{}, Sum{}};
  norm(at::ones({2, 3}), true);
  const auto named = named_variables(norm);
  std::vector<std::string> paths;
  for (const auto& entry : named) paths.push_back(entry.path);
  EXPECT_EQ(paths, std::vector<std::string>(
                       {"moving_mean/sum", "moving_mean/count",
                        "moving_variance/sum", "scale", "offset"}));
  EXPECT_EQ(trainable_variables(norm).size(), 1);
}

TEST(BaseBatchNormTest, CopiesShareAndClonesDoNot) {
  const BaseBatchNorm norm{true, true, Mean{}, Mean{}};
  const BaseBatchNorm copy = norm;
  norm(uneven({4, 3}), true);
  const BaseBatchNorm other = clone(norm);
  other(2 * uneven({4, 3}), true);
  EXPECT_EQ(copy.moving_mean.get_if<Mean>()->count.value().item<int>(), 1);
  EXPECT_EQ(other.moving_mean.get_if<Mean>()->count.value().item<int>(), 2);
}

TEST(BaseBatchNormTest, Options) {
  const BaseBatchNorm norm{.create_scale = true,
                           .create_offset = false,
                           .moving_mean = Mean{},
                           .moving_variance = Sum{},
                           .eps = 0.001};
  EXPECT_EQ(repr(norm),
            "BaseBatchNorm(\n"
            "    create_scale=True,\n"
            "    create_offset=False,\n"
            "    moving_mean=Mean(),\n"
            "    moving_variance=Sum(),\n"
            "    eps=0.001,\n"
            ")");
  EXPECT_EQ(to_json(from_json<BaseBatchNorm>(to_json(norm))), to_json(norm));
  EXPECT_NE(message_of([] {
              from_json<BaseBatchNorm>(
                  R"({"create_scale": true, "create_offset": true,
                      "moving_mean": {"class": "Median"}})");
            })
                .find("[BaseBatchNorm.moving_mean] unknown class 'Median'; "
                      "known: ExponentialMovingAverage, Mean, Sum"),
            std::string::npos);
}

}  // namespace
}  // namespace snt::base_batch_norm_test
