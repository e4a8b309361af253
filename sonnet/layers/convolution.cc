#include "sonnet/layers/convolution.h"

#include <cmath>

#include "sonnet/core/errors.h"
#include "sonnet/initializers/constant.h"
#include "sonnet/initializers/distributions.h"
#include "sonnet/layers/data_format.h"
#include "sonnet/layers/shapes.h"

namespace snt::detail {

void check_convolution(const ConvolutionParts& parts) {
  check<TypeError>(!parts.data_format.empty(), parts.type,
                   "data_format must be given: expected string or bytes-like "
                   "object, got 'NoneType'");
  utils::get_channel_index(parts.data_format);
  check(parts.with_bias || !parts.b_init, parts.type,
        "When not using a bias the b_init must be None.");
  const Window window = window_of(parts);
  const auto check_positive = [&](const char* option,
                                  const std::vector<int64_t>& sizes) {
    for (const int64_t size : sizes) {
      check(size > 0, parts.type, option, " must be > 0, got ", sizes);
    }
  };
  check_positive("kernel_shape", window.kernel);
  check_positive("stride", window.stride);
  check_positive("rate", window.rate);
}

Window window_of(const ConvolutionParts& parts) {
  const auto for_each_dim = [&](const IntOrList& option, const char* name) {
    return utils::replicate(option, parts.spatial_dims, name, parts.type);
  };
  return {for_each_dim(parts.kernel_shape, "kernel_shape"),
          for_each_dim(parts.stride, "stride"),
          for_each_dim(parts.rate, "rate")};
}

at::Tensor channels_first_input(const ConvolutionParts& parts,
                                const at::Tensor& x) {
  const Who who{parts.type, parts.w};
  check(x.dim() == parts.spatial_dims + 2, who, "x must have rank ",
        parts.spatial_dims + 2, ", got shape ", x.sizes());
  const at::Tensor result = to_channels_first(x, parts.data_format);
  const int64_t channels = result.size(1);
  check(channels > 0, who, "x must have channels, got shape ", x.sizes());
  check(
      !parts.w.is_built() || channels == parts.w.shape()[parts.input_dim], who,
      "x must have ", [&] { return parts.w.shape()[parts.input_dim]; },
      " channels as on the first call, got shape ", x.sizes());
  return result;
}

ConvolutionWeights convolution_weights(const ConvolutionParts& parts,
                                       const at::Tensor& x,
                                       const std::vector<int64_t>& w_shape,
                                       int64_t output_channels,
                                       int64_t fan_in) {
  const at::Tensor& w =
      parts.w.create(w_shape, x, parts.w_init,
                     initializers::TruncatedNormal{
                         .stddev = 1 / std::sqrt(static_cast<double>(fan_in))});
  check<TypeError>(x.scalar_type() == w.scalar_type(), Who{parts.type, parts.w},
                   "x must have dtype ", w.scalar_type(), " like w, got ",
                   x.scalar_type());
  if (!parts.with_bias) {
    parts.b.omit();
    return {w, {}};
  }
  return {w, parts.b.create({output_channels}, x, parts.b_init,
                            initializers::Zeros())};
}

}  // namespace snt::detail
