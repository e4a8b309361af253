#include "sonnet/optimizers/adam.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <cmath>

#include "sonnet/core/half.h"
#include "sonnet/kernels/updates/one_pass_update.h"
#include "sonnet/optimizers/lists.h"
#include "sonnet/optimizers/one_pass.h"
#include "sonnet/optimizers/rounded.h"
#include "sonnet/optimizers/update.h"

namespace snt::optimizers {
namespace {

// 1 - beta^t, in float32 unless everything is in float64: as TensorFlow has it,
// where 1 - 0.999f^1 is not 0.001f.
double correction(double beta, int64_t t, at::ScalarType dtype) {
  if (dtype == at::kDouble) return 1 - std::pow(beta, t);
  return 1.0F - std::pow(static_cast<float>(beta), static_cast<float>(t));
}

// `adam_update` as one pass.
auto adam_in_one_pass(double alpha, double beta_1, double beta_2,
                      double epsilon, int64_t t) {
  const double correction_1 = correction(beta_1, t, at::kFloat);
  const double correction_2 = std::sqrt(correction(beta_2, t, at::kFloat));
  const kernels::AdamNumbers numbers{
      .alpha = static_cast<float>(alpha * correction_2 / correction_1),
      .beta_1 = static_cast<float>(beta_1),
      .rest_1 = static_cast<float>(1 - beta_1),
      .beta_2 = static_cast<float>(beta_2),
      .rest_2 = static_cast<float>(1 - beta_2),
      .epsilon = static_cast<float>(epsilon * correction_2)};
  return [numbers](const auto& arrays) {
    kernels::adam_in_one_pass(arrays, numbers);
  };
}

// The same update with every operation rounded to a half type.
void adam_update_rounded(at::ScalarType dtype, const at::Tensor& theta,
                         const at::Tensor& gradient, double learning_rate,
                         double beta1, double beta2, double epsilon,
                         int64_t step, const at::Tensor& first,
                         const at::Tensor& second) {
  using detail::Rounded;
  const Rounded g = Rounded::of(gradient, dtype);
  const Rounded one = Rounded::of(1.0, dtype);
  const Rounded alpha = Rounded::of(learning_rate, dtype);
  const Rounded beta_1 = Rounded::of(beta1, dtype);
  const Rounded beta_2 = Rounded::of(beta2, dtype);
  const Rounded t = Rounded::of(static_cast<double>(step), dtype);

  const Rounded m = beta_1 * Rounded::of(first, dtype) + (one - beta_1) * g;
  const Rounded v =
      beta_2 * Rounded::of(second, dtype) + (one - beta_2) * g * g;
  const Rounded m_hat = m / (one - pow(beta_1, t));
  const Rounded v_hat = v / (one - pow(beta_2, t));
  theta.sub_((alpha * m_hat / plus_epsilon(sqrt(v_hat), epsilon)).value);
  first.copy_(m.value);
  second.copy_(v.value);
}

// The same update as `adam_update`, of lists.
void adam_update_all(const detail::Tensors& theta, const detail::Tensors& g,
                     double alpha, double beta_1, double beta_2, double epsilon,
                     int64_t t, const detail::Tensors& m,
                     const detail::Tensors& v) {
  const at::ScalarType dtype = theta[0].scalar_type();
  const double correction_1 = correction(beta_1, t, dtype);
  const double correction_2 = std::sqrt(correction(beta_2, t, dtype));

  detail::multiply(m, beta_1);
  detail::add(m, g, 1 - beta_1);
  detail::multiply(v, beta_2);
  detail::add_product(v, g, g, 1 - beta_2);
  const detail::Tensors divisor = detail::root(v);
  detail::add(divisor, epsilon * correction_2);
  detail::add_quotient(theta, m, divisor, -alpha * correction_2 / correction_1);
}

}  // namespace

void adam_update(const at::Tensor& theta, const at::Tensor& g, double alpha,
                 double beta_1, double beta_2, double epsilon, int64_t t,
                 const at::Tensor& m, const at::Tensor& v) {
  const auto one_pass = adam_in_one_pass(alpha, beta_1, beta_2, epsilon, t);
  if (detail::update_in_one_pass(g, {&theta, &m, &v}, one_pass)) return;

  adam_update_all({theta}, {g}, alpha, beta_1, beta_2, epsilon, t, {m}, {v});
}

void Adam::apply(const std::vector<at::Tensor>& updates,
                 const std::vector<Variable>& parameters) const {
  detail::check_updates("Adam", updates, parameters);
  const auto slots = detail::find_slots("Adam", m, parameters);
  v.initialize(m.parameters());

  const int64_t t = detail::read_step(step, {}) + 1;
  const double alpha = detail::read(learning_rate, t - 1);
  const double beta_1 = detail::read(beta1, t - 1);
  const double beta_2 = detail::read(beta2, t - 1);
  const double eps = detail::read(epsilon, t - 1);

  auto others = detail::update_in_one_pass(
      updates, parameters, {&m, &v}, slots,
      adam_in_one_pass(
          detail::cast(alpha, at::kFloat), detail::cast(beta_1, at::kFloat),
          detail::cast(beta_2, at::kFloat), detail::cast(eps, at::kFloat), t));
  for (const auto& list :
       detail::take_lists(updates, parameters, {&m, &v}, slots, others)) {
    const at::NoGradGuard no_grad;
    const at::ScalarType dtype = list.dtype;
    adam_update_all(list.values[0], list.g, detail::cast(alpha, dtype),
                    detail::cast(beta_1, dtype), detail::cast(beta_2, dtype),
                    detail::cast(eps, dtype), t, list.values[1],
                    list.values[2]);
  }
  for (const size_t i : others) {
    const at::ScalarType dtype = updates[i].scalar_type();
    const size_t k = slots[i];
    const detail::Target to(updates[i], {parameters[i], m[k], v[k]});
    if (snt::detail::is_half(dtype)) {
      adam_update_rounded(dtype, to[0], to.g(), alpha, beta_1, beta_2, eps, t,
                          to[1], to[2]);
      to.store();
      continue;
    }
    adam_update(to[0], to.g(), detail::cast(alpha, dtype),
                detail::cast(beta_1, dtype), detail::cast(beta_2, dtype),
                detail::cast(eps, dtype), t, to[1], to[2]);
    to.store();
  }
  detail::count_step(step);
}

void Adam::initialize(const std::vector<Variable>& parameters) const {
  m.initialize(parameters);
  v.initialize(parameters);
}

}  // namespace snt::optimizers
