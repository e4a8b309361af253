#include "sonnet/layers/norm.h"

#include <ATen/ATen.h>
#include <ATen/ExpandUtils.h>

#include <optional>

#include "sonnet/core/errors.h"
#include "sonnet/core/half.h"
#include "sonnet/core/scope.h"
#include "sonnet/initializers/constant.h"
#include "sonnet/kernels/norms/normalization.h"
#include "sonnet/layers/data_format.h"

namespace snt::detail {
namespace {

// That a scale or offset of one call fits x; undefined ones do.
at::Tensor fitting(const at::Tensor& parameter, const char* name,
                   const Norm& norm, const at::Tensor& x) {
  if (!parameter.defined()) return parameter;
  check<TypeError>(parameter.scalar_type() == x.scalar_type(), norm.who(), name,
                   " must have the dtype of x, ", x.scalar_type(), ", got ",
                   parameter.scalar_type());
  check(at::is_expandable_to(parameter.sizes(), x.sizes()), norm.who(), name,
        " must be broadcastable to the shape of x, ", x.sizes(), ", got shape ",
        parameter.sizes());
  return widened(parameter);
}

// x as the kernel sees it: channels last, and moments over dimensions side by
// side, of which the last may be the channels.
std::optional<kernels::NormShape> kernel_shape(
    const at::Tensor& x, const std::vector<int64_t>& axes) {
  const int64_t first = axes.front(), last = axes.back();
  const int64_t channel = x.dim() - 1;
  const bool side_by_side =
      last - first + 1 == static_cast<int64_t>(axes.size());
  if (!side_by_side || last < channel - 1) return std::nullopt;
  const auto count = [&](int64_t from, int64_t to) {
    return c10::multiply_integers(x.sizes().slice(from, to - from));
  };
  const int64_t outer = count(0, first), channels = x.size(channel);
  if (last == channel) return {{outer, count(first, channel), 1, channels}};
  return {{outer, count(first, channel), channels, 1}};
}

// The shape of scale and offset: [C], or [C, 1, ...] for channels first.
std::vector<int64_t> parameter_shape(const Norm& norm, const at::Tensor& x) {
  const int64_t channel = utils::get_channel_index(norm.data_format);
  return channel_shape(x.size(channel), x.dim(), norm.data_format);
}

at::Tensor create_scale(const Norm& norm, const at::Tensor& x) {
  return norm.scale.create(parameter_shape(norm, x), x, norm.scale_init,
                           initializers::Ones());
}

at::Tensor create_offset(const Norm& norm, const at::Tensor& x) {
  return norm.offset.create(parameter_shape(norm, x), x, norm.offset_init,
                            initializers::Zeros());
}

}  // namespace

void check_options(const Norm& norm, const char* stop) {
  utils::get_channel_index(norm.data_format);
  check(norm.create_scale || !norm.scale_init, norm.type,
        "Cannot set `scale_init` if `create_scale=False`", stop);
  check(norm.create_offset || !norm.offset_init, norm.type,
        "Cannot set `offset_init` if `create_offset=False`", stop);
}

void check_call(const Norm& norm, const at::Tensor& x, int64_t min_rank,
                const at::Tensor& scale, const at::Tensor& offset) {
  check<TypeError>(x.is_floating_point(), norm.who(),
                   "x must be floating, got ", x.scalar_type());
  check(x.dim() >= min_rank, norm.who(), "x must have rank >= ", min_rank,
        ", got shape ", x.sizes());
  check(!norm.create_scale || !scale.defined(), norm.who(),
        "Cannot pass `scale` at call time if `create_scale=True`.");
  check(!norm.create_offset || !offset.defined(), norm.who(),
        "Cannot pass `offset` at call time if `create_offset=True`.");
}

void check_rank(const Norm& norm, const Remembered<int64_t>& rank,
                const at::Tensor& x) {
  rank.set_once(x.dim());
  const int64_t original = rank.get(norm.type, "rank");
  check(original == x.dim(), norm.who(),
        "The rank of the inputs cannot change between calls, the original call "
        "was rank=",
        original, " but this call was rank=", x.dim(), ".");
}

ScaleAndOffset create_or_take(const Norm& norm, const at::Tensor& x,
                              const at::Tensor& scale,
                              const at::Tensor& offset) {
  if (!norm.create_scale) norm.scale.omit();
  if (!norm.create_offset) norm.offset.omit();
  return {fitting(norm.create_scale ? create_scale(norm, x) : scale, "scale",
                  norm, x),
          fitting(norm.create_offset ? create_offset(norm, x) : offset,
                  "offset", norm, x)};
}

ScaleAndOffset create_always(const Norm& norm, const at::Tensor& x,
                             const at::Tensor& scale,
                             const at::Tensor& offset) {
  if (!norm.offset.is_built()) {
    norm.scale.declare_trainable(norm.create_scale);
    norm.offset.declare_trainable(norm.create_offset);
  }
  const at::Tensor own_scale = create_scale(norm, x);
  const at::Tensor own_offset = create_offset(norm, x);
  return {fitting(scale.defined() ? scale : own_scale, "scale", norm, x),
          fitting(offset.defined() ? offset : own_offset, "offset", norm, x)};
}

// Not at::var_mean, which takes ten times as long on a CPU.
Moments moments(const at::Tensor& x, const std::vector<int64_t>& axes) {
  const at::Tensor mean = x.mean(axes, /*keepdim=*/true);
  // (x - mean)^2; that the mean depends on x changes nothing in the gradient.
  const at::Tensor squares = at::mse_loss(
      x, mean.detach().expand_as(x), static_cast<int64_t>(at::Reduction::None));
  return {mean, squares.mean(axes, /*keepdim=*/true)};
}

at::Tensor normalize(const at::Tensor& x, const Moments& moments, double eps,
                     const ScaleAndOffset& parameters) {
  at::Tensor factor = (moments.variance + eps).rsqrt();
  if (parameters.scale.defined()) factor = factor * parameters.scale;
  const at::Tensor shift = parameters.offset.defined()
                               ? parameters.offset - moments.mean * factor
                               : -moments.mean * factor;
  return at::addcmul(shift, x, factor);
}

at::Tensor normalize_over(const at::Tensor& x, const std::vector<int64_t>& axes,
                          double eps, const ScaleAndOffset& parameters) {
  int64_t together = 1;
  for (int64_t a : axes) together *= x.size(a);
  // A lone number is its own mean, without the rounding errors of a formula.
  if (together == 1) return apply(parameters, x - x);

  const auto shape = kernel_shape(x, axes);
  if (shape && kernels::takes_normalization(x, parameters.scale,
                                            parameters.offset, *shape)) {
    return kernels::normalize_channels(x, parameters.scale, parameters.offset,
                                       *shape, eps)
        .y;
  }

  const auto size = static_cast<int64_t>(axes.size());
  const bool trailing = axes.front() == x.dim() - size;
  if (!trailing) return normalize(x, moments(x, axes), eps, parameters);

  // The kernel of libtorch goes over the last dimensions only.
  const at::IntArrayRef sizes = x.sizes().slice(x.dim() - size);
  const auto& [scale, offset] = parameters;
  if ((!scale.defined() || scale.sizes() == sizes) &&
      (!offset.defined() || offset.sizes() == sizes)) {
    return at::layer_norm(x, sizes, scale, offset, eps);
  }
  return apply(parameters, at::layer_norm(x, sizes, {}, {}, eps));
}

at::Tensor apply(const ScaleAndOffset& parameters, const at::Tensor& x) {
  const auto& [scale, offset] = parameters;
  if (scale.defined() && offset.defined()) {
    return at::addcmul(offset, x, scale);
  }
  if (scale.defined()) return x * scale;
  return offset.defined() ? x + offset : x;
}

at::Tensor layer_norm(const Norm& norm, const Axis& axis,
                      const Remembered<int64_t>& rank, const at::Tensor& x,
                      const at::Tensor& scale, const at::Tensor& offset) {
  const bool channels_first = utils::is_channels_first(norm.data_format);
  check_call(norm, x, channels_first ? 2 : 1, scale, offset);
  const std::vector<int64_t> axes = axis.of(x.dim(), norm.type);
  check_rank(norm, rank, x);

  const name_scope scope(norm.type, norm.scale);
  const ScaleAndOffset parameters = create_or_take(norm, x, scale, offset);
  return normalize_over(widened(x), axes, norm.eps, parameters)
      .to(x.scalar_type());
}

}  // namespace snt::detail
