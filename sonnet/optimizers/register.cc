#include "sonnet/optimizers/register.h"

#include "sonnet/core/registry.h"
#include "sonnet/optimizers/adam.h"
#include "sonnet/optimizers/momentum.h"
#include "sonnet/optimizers/optimizer.h"
#include "sonnet/optimizers/rmsprop.h"
#include "sonnet/optimizers/sgd.h"

namespace snt {

void register_optimizers() {
  auto& registry = detail::the_registry<Optimizer>();
  registry.add<optimizers::Adam>();
  registry.add<optimizers::Momentum>();
  registry.add<optimizers::RMSProp>();
  registry.add<optimizers::SGD>();
}

}  // namespace snt
