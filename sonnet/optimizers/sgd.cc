#include "sonnet/optimizers/sgd.h"

#include <ATen/ATen.h>

#include "sonnet/core/half.h"
#include "sonnet/optimizers/rounded.h"
#include "sonnet/optimizers/update.h"

namespace snt::optimizers {

void SGD::apply(const std::vector<at::Tensor>& updates,
                const std::vector<Variable>& parameters) const {
  detail::check_updates("SGD", updates, parameters);

  const int64_t t = detail::read_step(step, {learning_rate});
  const double rate = detail::read(learning_rate, t);

  for (size_t i = 0; i < updates.size(); ++i) {
    if (!updates[i].defined()) continue;
    const detail::Target theta(updates[i], {parameters[i]});
    const at::ScalarType dtype = updates[i].scalar_type();
    if (snt::detail::is_half(dtype)) {
      const auto g = detail::Rounded::of(theta.g(), dtype);
      theta[0].sub_((g * detail::Rounded::of(rate, dtype)).value);
    } else {
      theta[0].sub_(theta.g(), detail::cast(rate, dtype));
    }
    theta.store();
  }
  detail::count_step(step);
}

void SGD::initialize(const std::vector<Variable>&) const {
  detail::read_step(step, {learning_rate});
}

}  // namespace snt::optimizers
