#include "sonnet/layers/depthwise_conv.h"

#include <ATen/ATen.h>

#include "sonnet/core/errors.h"
#include "sonnet/core/scope.h"
#include "sonnet/layers/convolution.h"
#include "sonnet/layers/convolve.h"
#include "sonnet/layers/data_format.h"

namespace snt {
namespace {

detail::ConvolutionParts depthwise_parts(const DepthwiseConv2D& conv) {
  return detail::parts_of(conv, "DepthwiseConv2D", /*spatial_dims=*/2,
                          /*input_dim=*/2);
}

}  // namespace

void DepthwiseConv2D::check() const {
  detail::check_convolution(depthwise_parts(*this));
  snt::check(channel_multiplier > 0, "DepthwiseConv2D",
             "channel_multiplier must be > 0, got ", channel_multiplier);
  snt::check(padding == "SAME" || padding == "VALID", "DepthwiseConv2D",
             "padding must be SAME or VALID, got ", padding);
}

at::Tensor DepthwiseConv2D::operator()(const at::Tensor& inputs) const {
  if (!w.is_built()) check();
  const detail::ConvolutionParts parts = depthwise_parts(*this);
  const at::Tensor x = detail::channels_first_input(parts, inputs);
  const detail::Window window = detail::window_of(parts);
  const int64_t channels = x.size(1);

  const name_scope scope("DepthwiseConv2D", w);
  const int64_t height = window.kernel[0], width = window.kernel[1];
  const auto [weight, bias] = detail::convolution_weights(
      parts, inputs, {height, width, channels, channel_multiplier},
      channels * channel_multiplier, height * width);

  const at::Tensor y = detail::convolve(
      {"DepthwiseConv2D", w}, x,
      weight
          .permute({2, 3, 0, 1})  // [H, W, C, m] -> [C m, 1, H, W]
          .reshape({channels * channel_multiplier, 1, height, width}),
      bias, window,
      padding == "SAME" ? detail::same_zeros(x.sizes().slice(2), window)
                        : detail::Zeros(2, {0, 0}),
      /*groups=*/channels);
  return detail::from_channels_first(y, data_format);
}

int64_t DepthwiseConv2D::input_channels() const { return w.shape()[2]; }

}  // namespace snt
