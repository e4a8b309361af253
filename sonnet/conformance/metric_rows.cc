#include <ATen/ATen.h>

#include "sonnet/conformance/class_table.h"
#include "sonnet/metrics/exponential_moving_average.h"
#include "sonnet/metrics/mean.h"
#include "sonnet/metrics/metric.h"
#include "sonnet/metrics/sum.h"

namespace snt::conformance {
namespace {

template <class T>
RowOf<T> metric(const std::string& name) {
  return module<T>(name)
      .call("value")
      .method("initialize", &T::initialize, "value")
      .method("update", &T::update, "value")
      .method("value", &T::value)
      .method("reset", &T::reset);
}

}  // namespace

void add_metric_rows(ClassTable& table) {
  table.add(metric<Sum>("Sum").example("{}", floats({2, 3})));
  table.add(metric<Mean>("Mean").example("{}", floats({2, 3})));
  table.add(metric<ExponentialMovingAverage>("ExponentialMovingAverage")
                .example(R"({"decay": 0.9})", floats({2, 3})));
  table.add(abstract<Metric>("Metric"));
}

}  // namespace snt::conformance
