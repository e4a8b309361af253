#include "sonnet/optimizers/rmsprop.h"

#include <ATen/ATen.h>

#include <utility>

#include "sonnet/core/half.h"
#include "sonnet/optimizers/rounded.h"
#include "sonnet/optimizers/update.h"

namespace snt::optimizers {
namespace {

// The same update with every operation rounded to a half type.
void rmsprop_update_rounded(at::ScalarType dtype, const at::Tensor& theta,
                            const at::Tensor& gradient, double learning_rate,
                            double decay, double momentum, double epsilon,
                            const at::Tensor& mom, const at::Tensor& ms,
                            const at::Tensor& mg) {
  using detail::Rounded;
  const Rounded g = Rounded::of(gradient, dtype);
  const Rounded one = Rounded::of(1.0, dtype);
  const Rounded alpha = Rounded::of(learning_rate, dtype);
  const Rounded rho = Rounded::of(decay, dtype);
  const Rounded mu = Rounded::of(momentum, dtype);

  const Rounded square = g * g * (one - rho) + Rounded::of(ms, dtype) * rho;
  Rounded variance = square;
  if (mg.defined()) {
    const Rounded mean = g * (one - rho) + Rounded::of(mg, dtype) * rho;
    variance = square - mean * mean;
    mg.copy_(mean.value);
  }
  const Rounded step = mu * Rounded::of(mom, dtype) +
                       alpha * g * rsqrt(plus_epsilon(variance, epsilon));
  theta.sub_(step.value);
  mom.copy_(step.value);
  ms.copy_(square.value);
}

}  // namespace

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
    const at::Tensor mean = centered ? to[3] : at::Tensor();
    if (snt::detail::is_half(dtype)) {
      rmsprop_update_rounded(dtype, to[0], to.g(), alpha, rho, mu, eps, to[1],
                             to[2], mean);
      to.store();
      continue;
    }
    rmsprop_update(to[0], to.g(), detail::cast(alpha, dtype),
                   detail::cast(rho, dtype), detail::cast(mu, dtype),
                   detail::cast(eps, dtype), to[1], to[2], mean);
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
