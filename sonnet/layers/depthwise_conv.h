// File: layers/depthwise_conv.h
// Convolution of each channel by itself.

#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

#include "sonnet/core/initializer.h"
#include "sonnet/core/variable.h"
#include "sonnet/layers/one_or_list.h"

namespace snt {

// Convolution over two dimensions that does not mix channels: channel c of x
// makes the `channel_multiplier` channels c m + q of y, where m is the
// multiplier and q < m.
//
//   y[n, i, j, c m + q] = sum x[n, i s + k r, j s + l r, c] w[k, l, c, q] + b
//
// over k and l, with stride s, rate r and zeros around x.
//
//   x  [N, H, W, C]      or [N, C, H, W] where data_format says so
//   y  [N, H', W', C m]  in the layout and dtype of x; H' as for Conv2D
//
// C is read from the first x; w and b are created then, on the device and in
// the dtype of x. Copies share w and b. Stride and rate may both be above 1.
//
//     snt::DepthwiseConv2D conv{.kernel_shape = 3, .channel_multiplier = 2};
//     at::Tensor y = conv(at::ones({8, 32, 32, 3}));  // y: [8, 32, 32, 6]
//
// Throws ValueError for x of another rank than 4 or with other channels than
// the first x, when the kernel does not fit into x, and for options without
// meaning; TypeError for lists of the wrong length, and when x has another
// dtype than w. Source: sonnet/src/depthwise_conv.py.
struct DepthwiseConv2D {
  IntOrList kernel_shape;          // Required. All, or {height, width}.
  int64_t channel_multiplier = 1;  // Channels of y for each of x.
  IntOrList stride = 1;            // Steps between windows.
  IntOrList rate = 1;              // Steps inside a window.
  std::string padding = "SAME";    // Or "VALID".
  bool with_bias = true;           // Whether to add b.
  Initializer w_init = {};  // Unset: TruncatedNormal(1 / sqrt(height width)).
  Initializer b_init = {};  // Unset: Zeros. Must be unset if !with_bias.
  std::string data_format = "NHWC";  // Or "NCHW"; see get_channel_index.
  std::string name = {};             // Replaces the field's name in tables.

  Variable w = {};  // [height, width, C, channel_multiplier]
  Variable b = {};  // [C channel_multiplier]; never created if !with_bias.

  // Throws ValueError or TypeError for options without meaning.
  void check() const;

  // The convolution of x.
  at::Tensor operator()(const at::Tensor& x) const;

  // The channels of the first x. Throws NotBuiltError before that.
  int64_t input_channels() const;
};

}  // namespace snt
