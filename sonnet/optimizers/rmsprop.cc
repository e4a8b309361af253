#include "sonnet/optimizers/rmsprop.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <utility>

#include "sonnet/core/half.h"
#include "sonnet/kernels/updates/one_pass_update.h"
#include "sonnet/optimizers/lists.h"
#include "sonnet/optimizers/one_pass.h"
#include "sonnet/optimizers/rounded.h"
#include "sonnet/optimizers/update.h"

namespace snt::optimizers {
namespace {

// `rmsprop_update` as one pass.
auto rmsprop_in_one_pass(double alpha, double decay, double mu, double epsilon,
                         bool centered) {
  const kernels::RMSPropNumbers numbers{.alpha = static_cast<float>(alpha),
                                        .rho = static_cast<float>(decay),
                                        .rest = static_cast<float>(1 - decay),
                                        .mu = static_cast<float>(mu),
                                        .epsilon = static_cast<float>(epsilon),
                                        .centered = centered};
  return [numbers](const auto& arrays) {
    kernels::rmsprop_in_one_pass(arrays, numbers);
  };
}

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

// The same update as `rmsprop_update`, of lists; mg has none if not centered.
void rmsprop_update_all(const detail::Tensors& theta, const detail::Tensors& g,
                        double alpha, double decay, double mu, double epsilon,
                        const detail::Tensors& mom, const detail::Tensors& ms,
                        const detail::Tensors& mg) {
  detail::multiply(ms, decay);
  detail::add_product(ms, g, g, 1 - decay);
  detail::Tensors variance;
  if (!mg.empty()) {
    detail::multiply(mg, decay);
    detail::add(mg, g, 1 - decay);
    variance = detail::plus_product(ms, mg, mg, -1);
    detail::add(variance, epsilon);
  } else {
    variance = detail::sum(ms, epsilon);
  }
  detail::invert_root(variance);
  detail::multiply(mom, mu);
  detail::add_product(mom, g, variance, alpha);
  detail::subtract(theta, mom);
}

}  // namespace

void rmsprop_update(const at::Tensor& theta, const at::Tensor& g, double alpha,
                    double decay, double mu, double epsilon,
                    const at::Tensor& mom, const at::Tensor& ms,
                    const at::Tensor& mg) {
  const auto one_pass =
      rmsprop_in_one_pass(alpha, decay, mu, epsilon, mg.defined());
  std::vector<const at::Tensor*> changed = {&theta, &mom, &ms};
  if (mg.defined()) changed.push_back(&mg);
  if (detail::update_in_one_pass(g, changed, one_pass)) return;

  rmsprop_update_all({theta}, {g}, alpha, decay, mu, epsilon, {mom}, {ms},
                     mg.defined() ? detail::Tensors{mg} : detail::Tensors());
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

  std::vector<const Slots*> state = {&mom, &ms};
  if (centered) state.push_back(&mg);
  auto others = detail::update_in_one_pass(
      updates, parameters, state, slots,
      rmsprop_in_one_pass(detail::cast(alpha, at::kFloat),
                          detail::cast(rho, at::kFloat),
                          detail::cast(mu, at::kFloat),
                          detail::cast(eps, at::kFloat), centered));
  for (const auto& list :
       detail::take_lists(updates, parameters, state, slots, others)) {
    const at::NoGradGuard no_grad;
    const at::ScalarType dtype = list.dtype;
    rmsprop_update_all(list.values[0], list.g, detail::cast(alpha, dtype),
                       detail::cast(rho, dtype), detail::cast(mu, dtype),
                       detail::cast(eps, dtype), list.values[1], list.values[2],
                       centered ? list.values[3] : detail::Tensors());
  }
  for (const size_t i : others) {
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
