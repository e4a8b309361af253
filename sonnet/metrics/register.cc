#include "sonnet/metrics/register.h"

#include "sonnet/core/layer.h"
#include "sonnet/core/registry.h"
#include "sonnet/metrics/exponential_moving_average.h"
#include "sonnet/metrics/mean.h"
#include "sonnet/metrics/metric.h"
#include "sonnet/metrics/sum.h"

namespace snt {
namespace {

template <class M>
void register_metric() {
  detail::the_registry<Layer>().add<M>();
  detail::the_registry<Metric>().add<M>();
}

}  // namespace

void register_metrics() {
  register_metric<ExponentialMovingAverage>();
  register_metric<Mean>();
  register_metric<Sum>();
}

}  // namespace snt
