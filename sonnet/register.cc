// Every class of the library by name, for what is made from JSON.

#include "sonnet/initializers/register.h"

#include <mutex>

#include "sonnet/core/activation.h"
#include "sonnet/core/deferred.h"
#include "sonnet/core/layer.h"
#include "sonnet/core/registry.h"
#include "sonnet/layers/batch_apply.h"
#include "sonnet/layers/bias.h"
#include "sonnet/layers/dropout.h"
#include "sonnet/layers/embed.h"
#include "sonnet/layers/linear.h"
#include "sonnet/layers/parallel_linears.h"
#include "sonnet/layers/reshape.h"
#include "sonnet/layers/sequential.h"
#include "sonnet/metrics/exponential_moving_average.h"
#include "sonnet/metrics/mean.h"
#include "sonnet/metrics/sum.h"
#include "sonnet/nets/mlp.h"
#include "sonnet/optimizers/schedules.h"
#include "sonnet/regularizers/register.h"

namespace snt {
namespace {

template <class... Modules>
void add_modules() {
  (detail::the_registry<Layer>().add<Modules>(), ...);
}

void register_activations() {
  for (const NamedFunction& function : activations::all()) {
    const std::string name(function.name);
    detail::the_registry<Activation>().add(
        name, [function](const Config&, const std::string&) {
          return Activation(function);
        });
    detail::the_registry<Layer>().add(
        name, [function](const Config&, const std::string&) {
          return Layer(function);
        });
  }
}

}  // namespace

void register_all() {
  static std::once_flag once;
  std::call_once(once, [] {
    register_activations();
    register_initializers();
    register_regularizers();
    schedules::register_schedules();
    add_modules<BatchApply, Bias, Deferred, Dropout, Embed,
                ExponentialMovingAverage, Flatten, Linear, Mean, nets::MLP,
                ParallelLinears, Reshape, Sequential, Sum>();
  });
}

}  // namespace snt
