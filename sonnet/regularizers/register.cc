#include "sonnet/regularizers/register.h"

#include "sonnet/core/registry.h"
#include "sonnet/regularizers/l1_l2.h"
#include "sonnet/regularizers/off_diagonal_orthogonal.h"
#include "sonnet/regularizers/regularizer.h"

namespace snt {

void register_regularizers() {
  auto& registry = detail::the_registry<Regularizer>();
  registry.add<regularizers::L1>();
  registry.add<regularizers::L2>();
  registry.add<regularizers::OffDiagonalOrthogonal>();
}

}  // namespace snt
