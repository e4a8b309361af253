#include "sonnet/optimizers/sgd.h"

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

auto sgd_in_one_pass(double alpha) {
  return [alpha = static_cast<float>(alpha)](const auto& arrays) {
    kernels::sgd_in_one_pass(arrays, alpha);
  };
}

// theta <- theta - alpha g, in place.
void sgd_update(const detail::Tensors& theta, const detail::Tensors& g,
                double alpha) {
  detail::subtract(theta, g, alpha);
}
void sgd_update(const at::Tensor& theta, const at::Tensor& g, double alpha) {
  const auto one_pass = sgd_in_one_pass(alpha);
  if (detail::update_in_one_pass(g, {&theta}, one_pass)) return;
  sgd_update(detail::Tensors{theta}, {g}, alpha);
}

}  // namespace

void SGD::apply(const std::vector<at::Tensor>& updates,
                const std::vector<Variable>& parameters) const {
  detail::check_updates("SGD", updates, parameters);

  const int64_t t = detail::read_step(step, {learning_rate});
  const double rate = detail::read(learning_rate, t);

  auto others = detail::update_in_one_pass(
      updates, parameters, {}, {},
      sgd_in_one_pass(detail::cast(rate, at::kFloat)));
  for (const auto& list :
       detail::take_lists(updates, parameters, {}, {}, others)) {
    const at::NoGradGuard no_grad;
    sgd_update(list.values[0], list.g, detail::cast(rate, list.dtype));
  }
  for (const size_t i : others) {
    const detail::Target theta(updates[i], {parameters[i]});
    const at::ScalarType dtype = updates[i].scalar_type();
    if (snt::detail::is_half(dtype)) {
      const auto g = detail::Rounded::of(theta.g(), dtype);
      theta[0].sub_((g * detail::Rounded::of(rate, dtype)).value);
    } else {
      sgd_update(theta[0], theta.g(), detail::cast(rate, dtype));
    }
    theta.store();
  }
  detail::count_step(step);
}

void SGD::initialize(const std::vector<Variable>&) const {
  detail::read_step(step, {learning_rate});
}

}  // namespace snt::optimizers
