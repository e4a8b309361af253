#include "sonnet/optimizers/rmsprop.h"

#include <ATen/ATen.h>

#include <utility>

#include "sonnet/optimizers/update.h"

namespace snt::optimizers {

void rmsprop_update(const at::Tensor& theta, const at::Tensor& g, double alpha,
                    double decay, double mu, double epsilon,
                    const at::Tensor& mom, const at::Tensor& ms,
                    const at::Tensor& mg) {
  ms.mul_(decay).addcmul_(g, g, 1 - decay);
  at::Tensor variance;
  if (mg.defined()) {
    mg.mul_(decay).add_(g, 1 - decay);
    variance = at::addcmul(ms, mg, mg, -1).add_(epsilon);
  } else {
    variance = ms + epsilon;
  }
  mom.mul_(mu).addcmul_(g, variance.rsqrt_(), alpha);
  theta.sub_(mom);
}

void RMSProp::apply(const std::vector<at::Tensor>& updates,
                    const std::vector<Variable>& parameters) const {
  detail::check_updates("RMSProp", updates, parameters);
  const auto slots = detail::find_slots("RMSProp", mom, parameters);
  ms.initialize(mom.parameters());
  if (centered) mg.initialize(mom.parameters());

  const int64_t t =
      detail::read_step(step, {learning_rate, decay, momentum, epsilon});
  const double alpha = detail::read(learning_rate, t);
  const double rho = detail::read(decay, t);
  const double mu = detail::read(momentum, t);
  const double eps = detail::read(epsilon, t);

  for (size_t i = 0; i < updates.size(); ++i) {
    if (!updates[i].defined()) continue;
    const at::ScalarType dtype = updates[i].scalar_type();
    const size_t k = slots[i];
    std::vector<Variable> changed = {parameters[i], mom[k], ms[k]};
    if (centered) changed.push_back(mg[k]);
    const detail::Target to(updates[i], std::move(changed));
    rmsprop_update(to[0], to.g(), detail::cast(alpha, dtype),
                   detail::cast(rho, dtype), detail::cast(mu, dtype),
                   detail::cast_small(eps, dtype), to[1], to[2],
                   centered ? to[3] : at::Tensor());
    to.store();
  }
  detail::count_step(step);
}

void RMSProp::initialize(const std::vector<Variable>& parameters) const {
  mom.initialize(parameters);
  ms.initialize(parameters);
  if (centered) mg.initialize(parameters);
  detail::read_step(step, {learning_rate, decay, momentum, epsilon});
}

}  // namespace snt::optimizers
