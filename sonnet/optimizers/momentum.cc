#include "sonnet/optimizers/momentum.h"

#include <ATen/ATen.h>

#include "sonnet/optimizers/update.h"

namespace snt::optimizers {

void momentum_update(const at::Tensor& theta, const at::Tensor& g, double alpha,
                     double mu, bool use_nesterov, const at::Tensor& m) {
  m.mul_(mu).add_(g);
  if (use_nesterov) {
    theta.sub_(m, alpha * mu).sub_(g, alpha);
  } else {
    theta.sub_(m, alpha);
  }
}

void Momentum::apply(const std::vector<at::Tensor>& updates,
                     const std::vector<Variable>& parameters) const {
  detail::check_updates("Momentum", updates, parameters);
  const Slots& m = accumulated_momentum;
  const auto slots = detail::find_slots("Momentum", m, parameters);

  const int64_t t = detail::read_step(step, {learning_rate, momentum});
  const double alpha = detail::read(learning_rate, t);
  const double mu = detail::read(momentum, t);

  for (size_t i = 0; i < updates.size(); ++i) {
    if (!updates[i].defined()) continue;
    const at::ScalarType dtype = updates[i].scalar_type();
    const detail::Target to(updates[i], {parameters[i], m[slots[i]]});
    momentum_update(to[0], to.g(), detail::cast(alpha, dtype),
                    detail::cast(mu, dtype), use_nesterov, to[1]);
    to.store();
  }
  detail::count_step(step);
}

void Momentum::initialize(const std::vector<Variable>& parameters) const {
  accumulated_momentum.initialize(parameters);
  detail::read_step(step, {learning_rate, momentum});
}

}  // namespace snt::optimizers
