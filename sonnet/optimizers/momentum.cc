#include "sonnet/optimizers/momentum.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "sonnet/core/half.h"
#include "sonnet/kernels/updates/one_pass_update.h"
#include "sonnet/optimizers/lists.h"
#include "sonnet/optimizers/one_pass.h"
#include "sonnet/optimizers/rounded.h"
#include "sonnet/optimizers/update.h"

namespace snt::optimizers {
namespace {

// `momentum_update` as one pass.
auto momentum_in_one_pass(double alpha, double mu, bool use_nesterov) {
  const kernels::MomentumNumbers numbers{
      .alpha = static_cast<float>(alpha),
      .mu = static_cast<float>(mu),
      .alpha_mu = static_cast<float>(alpha * mu),
      .use_nesterov = use_nesterov};
  return [numbers](const auto& arrays) {
    kernels::momentum_in_one_pass(arrays, numbers);
  };
}

// The same update with every operation rounded to a half type.
void momentum_update_rounded(at::ScalarType dtype, const at::Tensor& theta,
                             const at::Tensor& gradient, double learning_rate,
                             double momentum, bool use_nesterov,
                             const at::Tensor& accumulated) {
  using detail::Rounded;
  const Rounded g = Rounded::of(gradient, dtype);
  const Rounded alpha = Rounded::of(learning_rate, dtype);
  const Rounded mu = Rounded::of(momentum, dtype);

  const Rounded m = mu * Rounded::of(accumulated, dtype) + g;
  theta.sub_((alpha * (use_nesterov ? mu * m + g : m)).value);
  accumulated.copy_(m.value);
}

// The same update as `momentum_update`, of lists.
void momentum_update_all(const detail::Tensors& theta, const detail::Tensors& g,
                         double alpha, double mu, bool use_nesterov,
                         const detail::Tensors& m) {
  detail::multiply(m, mu);
  detail::add(m, g);
  if (use_nesterov) {
    detail::subtract(theta, m, alpha * mu);
    detail::subtract(theta, g, alpha);
  } else {
    detail::subtract(theta, m, alpha);
  }
}

}  // namespace

void momentum_update(const at::Tensor& theta, const at::Tensor& g, double alpha,
                     double mu, bool use_nesterov, const at::Tensor& m) {
  const auto one_pass = momentum_in_one_pass(alpha, mu, use_nesterov);
  if (detail::update_in_one_pass(g, {&theta, &m}, one_pass)) return;

  momentum_update_all({theta}, {g}, alpha, mu, use_nesterov, {m});
}

void Momentum::apply(const std::vector<at::Tensor>& updates,
                     const std::vector<Variable>& parameters) const {
  detail::check_updates("Momentum", updates, parameters);
  const Slots& m = accumulated_momentum;
  const auto slots = detail::find_slots("Momentum", m, parameters);

  const int64_t t = detail::read_step(step, {learning_rate, momentum});
  const double alpha = detail::read(learning_rate, t);
  const double mu = detail::read(momentum, t);

  auto others = detail::update_in_one_pass(
      updates, parameters, {&m}, slots,
      momentum_in_one_pass(detail::cast(alpha, at::kFloat),
                           detail::cast(mu, at::kFloat), use_nesterov));
  for (const auto& list :
       detail::take_lists(updates, parameters, {&m}, slots, others)) {
    const at::NoGradGuard no_grad;
    momentum_update_all(list.values[0], list.g, detail::cast(alpha, list.dtype),
                        detail::cast(mu, list.dtype), use_nesterov,
                        list.values[1]);
  }
  for (const size_t i : others) {
    const at::ScalarType dtype = updates[i].scalar_type();
    const detail::Target to(updates[i], {parameters[i], m[slots[i]]});
    if (snt::detail::is_half(dtype)) {
      momentum_update_rounded(dtype, to[0], to.g(), alpha, mu, use_nesterov,
                              to[1]);
      to.store();
      continue;
    }
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
