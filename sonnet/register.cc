// Every class of the library by name, for what is made from JSON.

#include "sonnet/initializers/register.h"

#include <mutex>

#include "sonnet/core/activation.h"
#include "sonnet/core/deferred.h"
#include "sonnet/core/layer.h"
#include "sonnet/core/registry.h"
#include "sonnet/distribute/cross_replica_batch_norm.h"
#include "sonnet/layers/register.h"
#include "sonnet/metrics/register.h"
#include "sonnet/nets/register.h"
#include "sonnet/optimizers/register.h"
#include "sonnet/optimizers/schedules.h"
#include "sonnet/recurrent/register.h"
#include "sonnet/regularizers/register.h"

namespace snt {
namespace {

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
    detail::the_registry<Layer>().add<Deferred>();
    detail::the_registry<Layer>().add<distribute::CrossReplicaBatchNorm>();
    register_layers();
    register_metrics();
    register_nets();
    register_optimizers();
    register_recurrent();
  });
}

}  // namespace snt
