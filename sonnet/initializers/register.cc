#include "sonnet/initializers/register.h"

#include "sonnet/core/initializer.h"
#include "sonnet/core/registry.h"
#include "sonnet/initializers/constant.h"
#include "sonnet/initializers/distributions.h"
#include "sonnet/initializers/orthogonal.h"
#include "sonnet/initializers/variance_scaling.h"

namespace snt {

void register_initializers() {
  auto& registry = detail::the_registry<Initializer>();
  registry.add<initializers::Zeros>();
  registry.add<initializers::Ones>();
  registry.add<initializers::Constant>();
  registry.add<initializers::RandomUniform>();
  registry.add<initializers::RandomNormal>();
  registry.add<initializers::TruncatedNormal>();
  registry.add<initializers::Identity>();
  registry.add<initializers::Orthogonal>();
  registry.add<initializers::VarianceScaling>();
}

}  // namespace snt
