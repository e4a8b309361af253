#include "sonnet/layers/batch_norm_call.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <cmath>

#include "sonnet/core/activation.h"
#include "sonnet/core/half.h"
#include "sonnet/core/scope.h"
#include "sonnet/kernels/norms/normalization.h"
#include "sonnet/kernels/plain.h"
#include "sonnet/layers/data_format.h"

namespace snt::detail {
namespace {

// A scale or offset as [C] where it has one number for each channel, else
// undefined.
at::Tensor for_channels(const at::Tensor& parameter, const Norm& norm,
                        const at::Tensor& x) {
  const int64_t channel = utils::get_channel_index(norm.data_format);
  const int64_t from_end = channel > 0 ? x.dim() - channel : 1;
  const bool fits = parameter.dim() >= from_end &&
                    parameter.size(-from_end) == x.size(channel) &&
                    parameter.numel() == x.size(channel);
  return fits ? parameter.reshape({-1}) : at::Tensor();
}

// What follows a norm, for x that its kernel did not take.
at::Tensor then(at::Tensor y, const kernels::AfterNorm& after) {
  if (after.addend.defined()) y = y + after.addend;
  return after.relu ? activations::relu(y) : y;
}

// Whether a kernel that goes over x can read it along with it.
bool can_be_added(const at::Tensor& addend, const at::Tensor& x) {
  return !addend.defined() ||
         (kernels::is_plain(addend) && addend.is_contiguous() &&
          addend.sizes() == x.sizes());
}

// libtorch's kernel over x as [N, C] or [N, C, ...], in two passes over memory.
// `moments` are those to use, as [C]; or with `use_batch_stats` it fills them
// with those of x, where the variance is divided by n - 1: its own moving
// averages, with a momentum of 1. Those of nothing stay as they are.
at::Tensor run_kernel(const Norm& norm, const at::Tensor& x,
                      const ScaleAndOffset& parameters, const Moments& moments,
                      bool use_batch_stats) {
  const int64_t channels = moments.mean.size(0);
  const at::Tensor rows =
      utils::is_channels_first(norm.data_format)
          ? x
          : x.reshape({channels > 0 ? x.numel() / channels : 0, channels});
  const at::Tensor scale = for_channels(parameters.scale, norm, x);
  const at::Tensor offset = for_channels(parameters.offset, norm, x);
  const bool both = scale.defined() && offset.defined();
  const at::Tensor y =
      at::batch_norm(rows, both ? scale : at::Tensor(),
                     both ? offset : at::Tensor(), moments.mean,
                     moments.variance, use_batch_stats, /*momentum=*/1,
                     norm.eps, /*cudnn_enabled=*/true)
          .reshape(x.sizes());
  return both ? y : apply(parameters, y);
}

}  // namespace

std::vector<int64_t> batch_axes(const Norm& norm, const at::Tensor& x) {
  const int64_t channel = utils::get_channel_index(norm.data_format);
  std::vector<int64_t> axes;
  for (int64_t a = 0; a < x.dim(); ++a) {
    if (a != (channel < 0 ? channel + x.dim() : channel)) axes.push_back(a);
  }
  return axes;
}

ScaleAndOffset begin_batch_norm(const Norm& norm,
                                const MovingStatistics& moving,
                                const at::Tensor& x, const at::Tensor& scale,
                                const at::Tensor& offset) {
  check_call(norm, x, 2, scale, offset);
  if (!norm.scale.is_built()) {
    const at::NoGradGuard no_grad;
    const auto [mean, variance] = moments(widened(x), batch_axes(norm, x));
    moving.shape.set_once(mean.sizes().vec());
    moving.mean.initialize(mean.to(x.scalar_type()));
    moving.variance.initialize(variance.to(x.scalar_type()));
  }
  return create_always(norm, x, scale, offset);
}

void update(const Norm& norm, const MovingStatistics& moving,
            const Moments& moments, const at::Tensor& x) {
  std::vector<int64_t> shape = x.sizes().vec();
  for (int64_t a : batch_axes(norm, x)) shape[a] = 1;
  const auto take = [&](const Metric& metric, const at::Tensor& value) {
    metric.update(value.detach().reshape(shape).to(x.scalar_type()));
  };
  take(moving.mean, moments.mean);
  take(moving.variance, moments.variance);
}

at::Tensor batch_norm(const Norm& norm, const MovingStatistics& moving,
                      const at::Tensor& x, bool is_training,
                      bool test_local_stats, const at::Tensor& call_scale,
                      const at::Tensor& call_offset,
                      const kernels::AfterNorm& after) {
  const name_scope scope(norm.type, norm.scale);
  const ScaleAndOffset parameters =
      begin_batch_norm(norm, moving, x, call_scale, call_offset);
  const at::Tensor wide = widened(x);
  const bool channels_first = utils::is_channels_first(norm.data_format);
  const int64_t channels = x.size(channels_first ? 1 : -1);
  const int64_t n = channels > 0 ? x.numel() / channels : 0;
  const kernels::NormShape seen = {1, n, channels, 1};
  const bool is_fast = !channels_first && can_be_added(after.addend, wide) &&
                       kernels::takes_normalization(wide, parameters.scale,
                                                    parameters.offset, seen);
  if (!is_training && !test_local_stats) {
    const ByChannel by =
        is_fast && !kernels::wants_gradient({&wide, &parameters.scale,
                                             &parameters.offset, &after.addend})
            ? by_channel(norm, moving, parameters, channels)
            : ByChannel();
    if (by.mean.defined()) {
      return kernels::normalize_by(wide, by.mean, by.factor, by.offset, after)
          .to(x.scalar_type());
    }
    const auto stored = [&](const Metric& metric) {
      return widened(metric.value()).reshape({channels});
    };
    const Moments used{stored(moving.mean), stored(moving.variance)};
    return then(
        run_kernel(norm, wide, parameters, used, /*use_batch_stats=*/false)
            .to(x.scalar_type()),
        after);
  }

  const auto each = [&](double value) {
    return at::full({channels}, value, wide.options());
  };
  Moments used{each(n == 0 ? NAN : 0), each(n == 0 ? NAN : 0)};
  at::Tensor y;
  if (is_fast) {
    const kernels::Normalized all = kernels::normalize_channels(
        wide, parameters.scale, parameters.offset, seen, norm.eps, after);
    y = all.y;
    const double unbiased = static_cast<double>(n) / static_cast<double>(n - 1);
    used = {all.mean.view({channels}),
            all.variance.view({channels}) * unbiased};
  } else if (n == 1) {  // For the kernel, one number has a variance of 0 / 0.
    used.mean = wide.detach().reshape({channels});
    y = apply(parameters, wide - wide);
  } else {
    y = run_kernel(norm, wide, parameters, used, /*use_batch_stats=*/true);
  }
  if (is_training) {
    // TensorFlow's kernel for images, too, hands over what is divided by n - 1;
    // elsewhere Sonnet has the variance of the population.
    const bool for_images =
        x.dim() == 4 && !channels_first && x.scalar_type() == at::kFloat;
    if (!for_images) {
      used.variance = used.variance * (1 - 1 / static_cast<double>(n));
    }
    update(norm, moving, used, x);
  }
  return is_fast ? y.to(x.scalar_type()) : then(y.to(x.scalar_type()), after);
}

ByChannel by_channel(const Norm& norm, const MovingStatistics& moving,
                     const ScaleAndOffset& parameters, int64_t channels) {
  const auto fits = [&](const at::Tensor& t) { return t.numel() == channels; };
  const at::Tensor mean = widened(moving.mean.value());
  const at::Tensor variance = widened(moving.variance.value());
  const auto [scale, offset] = parameters;
  if (!fits(mean) || !fits(variance) || (scale.defined() && !fits(scale)) ||
      (offset.defined() && !fits(offset))) {
    return {};
  }
  const auto row = [](const at::Tensor& t) {
    return widened(t).reshape({-1}).contiguous();
  };
  const at::Tensor rstd = (row(variance) + norm.eps).rsqrt();
  return {row(mean), scale.defined() ? rstd * row(scale) : rstd,
          offset.defined() ? row(offset) : at::zeros_like(rstd)};
}

}  // namespace snt::detail
