#include "sonnet/metrics/metric.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "sonnet/core/clone.h"
#include "sonnet/core/errors.h"
#include "sonnet/core/layer.h"
#include "sonnet/core/variables.h"
#include "sonnet/metrics/exponential_moving_average.h"
#include "sonnet/metrics/mean.h"
#include "sonnet/metrics/sum.h"
#include "sonnet/testing/expect_close.h"
#include "sonnet/testing/message_of.h"
#include "sonnet/testing/uneven.h"

namespace snt::metric_test {
namespace {

// A metric of a user, without a call operator.
struct Largest {
  Variable largest = Variable::state();

  void initialize(const at::Tensor& value) const {
    largest.create(value.sizes(), value, [](auto shape, auto dtype) {
      return at::full(shape, -100., dtype);
    });
  }
  void update(const at::Tensor& value) const {
    initialize(value);
    largest.assign(at::maximum(largest.value(), value));
  }
  at::Tensor value() const { return largest.value().clone(); }
  void reset() const { largest.assign(at::full_like(largest.value(), -100.)); }
};

struct Scores {
  Metric best = Largest{};
  std::vector<Metric> others = {Mean{}, Sum{}};
};

TEST(MetricTest, EveryFunctionReachesWhatIsHeld) {
  const Metric metric = Largest{};
  metric.initialize(at::ones({2}));
  expect_close(metric.value(), at::full({2}, -100.f));
  metric.update(at::tensor({1.f, 4.f}));
  expect_close(metric(at::tensor({3.f, 2.f})), at::tensor({3.f, 4.f}));
  metric.reset();
  expect_close(metric.value(), at::full({2}, -100.f));
}

TEST(MetricTest, IsTheMetricItHolds) {
  const Metric erased = ExponentialMovingAverage{0.5};
  const ExponentialMovingAverage plain{0.5};
  for (int64_t step = 0; step < 3; ++step) {
    const at::Tensor value = uneven({3}, at::kDouble, step);
    EXPECT_TRUE(at::equal(erased(value), plain(value)));
  }
  EXPECT_EQ(erased.class_name(), "ExponentialMovingAverage");
  EXPECT_EQ(erased.get_if<ExponentialMovingAverage>()->decay, 0.5);
  EXPECT_EQ(erased.get_if<Mean>(), nullptr);
}

TEST(MetricTest, DoesNotShowInPaths) {
  const Scores scores;
  scores.best.update(at::ones({2}));
  for (const Metric& metric : scores.others) metric.update(at::ones({2}));
  std::vector<std::string> paths;
  for (const auto& entry : named_variables(scores)) {
    paths.push_back(entry.path);
  }
  EXPECT_EQ(paths,
            std::vector<std::string>({"best/largest", "others/0/sum",
                                      "others/0/count", "others/1/sum"}));
}

TEST(MetricTest, CopiesShareAndClonesDoNot) {
  const Metric sum = Sum{};
  const Metric copy = sum;
  sum.update(at::ones({2}));
  copy.update(at::ones({2}));
  const Metric other = clone(sum);
  other.update(at::ones({2}));
  expect_close(sum.value(), at::full({2}, 2.f));
  expect_close(other.value(), at::full({2}, 3.f));

  // What two fields share, two fields of the clone share.
  const std::vector<Metric> twice = {sum, sum};
  const std::vector<Metric> clones = clone(twice);
  clones[0].update(at::ones({2}));
  expect_close(clones[1].value(), at::full({2}, 3.f));
}

TEST(MetricTest, CanBeALayer) {
  const Layer layer = Metric(Sum{});
  layer(at::ones({2}));
  expect_close(layer(at::ones({2})), at::full({2}, 2.f));
}

TEST(MetricTest, Json) {
  const Metric metric = ExponentialMovingAverage{0.25};
  EXPECT_EQ(repr(metric), "ExponentialMovingAverage(decay=0.25)");
  const std::string json = to_json(to_config(metric));
  EXPECT_EQ(json,
            R"({"class":"ExponentialMovingAverage","config":{"decay":0.25}})");
  const auto again = from_config<Metric>(parse_json(json), "metric");
  EXPECT_EQ(repr(again), repr(metric));
  EXPECT_EQ(message_of([] {
              from_config<Metric>(parse_json(R"("Linear")"), "metric");
            }),
            "[metric] unknown class 'Linear'; known: "
            "ExponentialMovingAverage, Mean, Sum");
}

}  // namespace
}  // namespace snt::metric_test
