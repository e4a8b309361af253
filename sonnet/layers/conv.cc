#include "sonnet/layers/conv.h"

#include <ATen/ATen.h>
#include <c10/util/accumulate.h>

#include <algorithm>

#include "sonnet/core/errors.h"
#include "sonnet/core/scope.h"
#include "sonnet/layers/conv_then.h"
#include "sonnet/layers/convolution.h"
#include "sonnet/layers/convolve.h"
#include "sonnet/layers/data_format.h"
#include "sonnet/layers/shapes.h"

namespace snt {
namespace {

using detail::ConvolutionParts;

template <class Conv>
ConvolutionParts conv_parts(const Conv& conv, const char* type, int64_t dims) {
  return detail::parts_of(conv, type, dims, /*input_dim=*/dims);
}

void check_conv(const ConvolutionParts& parts, int64_t output_channels,
                const Padding& padding) {
  check(parts.spatial_dims >= 1 && parts.spatial_dims <= 3, parts.type,
        "We only support convoltion operations for num_spatial_dims=1, 2 or "
        "3, received num_spatial_dims=",
        parts.spatial_dims, ".");
  detail::check_convolution(parts);
  const detail::Window window = detail::window_of(parts);
  const auto above_one = [](const std::vector<int64_t>& numbers) {
    return std::any_of(numbers.begin(), numbers.end(),
                       [](int64_t n) { return n > 1; });
  };
  check(!above_one(window.stride) || !above_one(window.rate), parts.type,
        "`strides > 1` not supported in conjunction with `dilation_rate > 1`. "
        "Received: strides=",
        window.stride, " and dilation_rate=", window.rate);
  check(output_channels > 0, parts.type, "output_channels must be > 0, got ",
        output_channels);
  if (const auto* functions = padding.padding_func()) {
    utils::replicate(*functions, parts.spatial_dims, "padding", parts.type);
    return;
  }
  const std::string name = padding.conv_padding();
  check(name == "SAME" || name == "VALID", parts.type,
        "padding must be SAME, VALID or functions such as snt::pad::causal, "
        "got ",
        name);
}

detail::Zeros zeros_of(const ConvolutionParts& parts, const Padding& padding,
                       const detail::Window& window, const at::Tensor& x) {
  if (const auto* functions = padding.padding_func()) {
    detail::Zeros zeros;
    const auto each =
        utils::replicate(*functions, parts.spatial_dims, "padding");
    for (size_t i = 0; i < each.size(); ++i) {
      zeros.push_back(each[i](window.extent(i)));
    }
    return zeros;
  }
  if (padding.conv_padding() == "SAME") {
    return detail::same_zeros(x.sizes().slice(2), window);
  }
  return detail::Zeros(parts.spatial_dims, {0, 0});
}

// With what follows it, undefined where there is no kernel for both; or
// without.
at::Tensor call_conv(const ConvolutionParts& parts, int64_t output_channels,
                     const Padding& padding, const at::Tensor& inputs,
                     const kernels::AfterConvolution* after = nullptr) {
  const at::Tensor x = detail::channels_first_input(parts, inputs);
  const detail::Window window = detail::window_of(parts);

  const name_scope scope(parts.type, parts.w);
  std::vector<int64_t> shape = window.kernel;
  shape.push_back(x.size(1));
  const int64_t fan_in = c10::multiply_integers(shape);
  shape.push_back(output_channels);
  const auto [stored, b] = detail::convolution_weights(parts, inputs, shape,
                                                       output_channels, fan_in);
  // [kernel..., C, out] -> [out, C, kernel...]
  const at::Tensor w = stored.movedim({-1, -2}, {0, 1});

  const Who who{parts.type, parts.w};
  const detail::Zeros zeros = zeros_of(parts, padding, window, x);
  const at::Tensor y =
      after != nullptr
          ? detail::convolve_then(who, x, w, b, window, zeros, *after)
          : detail::convolve(who, x, w, b, window, zeros, /*groups=*/1);
  return y.defined() ? detail::from_channels_first(y, parts.data_format) : y;
}

}  // namespace

void Conv1D::check() const {
  check_conv(conv_parts(*this, "Conv1D", 1), output_channels, padding);
}
at::Tensor Conv1D::operator()(const at::Tensor& x) const {
  if (!w.is_built()) check();
  return call_conv(conv_parts(*this, "Conv1D", 1), output_channels, padding, x);
}
int64_t Conv1D::input_channels() const { return w.shape()[1]; }

void Conv2D::check() const {
  check_conv(conv_parts(*this, "Conv2D", 2), output_channels, padding);
}
at::Tensor Conv2D::operator()(const at::Tensor& x) const {
  if (!w.is_built()) check();
  return call_conv(conv_parts(*this, "Conv2D", 2), output_channels, padding, x);
}
int64_t Conv2D::input_channels() const { return w.shape()[2]; }

at::Tensor detail::conv_then(const Conv2D& conv, const at::Tensor& x,
                             const kernels::AfterConvolution& after) {
  return call_conv(conv_parts(conv, "Conv2D", 2), conv.output_channels,
                   conv.padding, x, &after);
}

void Conv3D::check() const {
  check_conv(conv_parts(*this, "Conv3D", 3), output_channels, padding);
}
at::Tensor Conv3D::operator()(const at::Tensor& x) const {
  if (!w.is_built()) check();
  return call_conv(conv_parts(*this, "Conv3D", 3), output_channels, padding, x);
}
int64_t Conv3D::input_channels() const { return w.shape()[3]; }

void ConvND::check() const {
  check_conv(conv_parts(*this, "ConvND", num_spatial_dims), output_channels,
             padding);
}
at::Tensor ConvND::operator()(const at::Tensor& x) const {
  if (!w.is_built()) check();
  return call_conv(conv_parts(*this, "ConvND", num_spatial_dims),
                   output_channels, padding, x);
}
int64_t ConvND::input_channels() const { return w.shape()[num_spatial_dims]; }

}  // namespace snt
