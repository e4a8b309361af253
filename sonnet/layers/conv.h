// File: layers/conv.h
// Convolutions over one, two and three dimensions.

#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

#include "sonnet/core/initializer.h"
#include "sonnet/core/required.h"
#include "sonnet/core/variable.h"
#include "sonnet/layers/one_or_list.h"
#include "sonnet/layers/pad.h"

namespace snt {

// Convolution over two dimensions:
//
//   y[n, i, j, o] = sum x[n, i s + k r, j s + l r, c] w[k, l, c, o] + b[o]
//
// over k, l and c, with stride s, rate r and zeros around x.
//
//   x  [N, H, W, input_channels]     or [N, C, H, W] where data_format says so
//   y  [N, H', W', output_channels]  in the layout and dtype of x
//
// H' is ceil(H / stride) with padding "SAME", else
// floor((H + zeros - (kernel - 1) rate - 1) / stride) + 1. `input_channels` is
// read from the first x; w and b are created then, on the device and in the
// dtype of x. Copies of a Conv2D share w and b. Channels-last is the faster
// layout.
//
//     snt::Conv2D conv{.output_channels = 16, .kernel_shape = {3, 5}};
//     at::Tensor y = conv(at::ones({8, 32, 32, 3}));  // y: [8, 32, 32, 16]
//     snt::Conv2D half{.output_channels = 16, .kernel_shape = 3, .stride = 2};
//     at::Tensor z = half(y);  // z: [8, 16, 16, 16], w: [3, 3, 16, 16]
//
// Throws ValueError for x of another rank or with other channels than the first
// x, when the kernel does not fit into x, and for options without meaning, to
// which Sonnet counts stride and rate both above 1; TypeError for lists of the
// wrong length, and when x has another dtype than w. Source:
// sonnet/src/conv.py.
struct Conv2D {
  Required<int64_t> output_channels;  // Channels of y.
  IntOrList kernel_shape;             // Required. All, or {height, width}.
  IntOrList stride = 1;               // Steps between windows.
  IntOrList rate = 1;        // Steps inside a window: above 1, it has gaps.
  Padding padding = "SAME";  // Also "VALID", or functions of snt::pad.
  bool with_bias = true;     // Whether to add b.
  Initializer w_init = {};   // Unset: TruncatedNormal(1 / sqrt(fan_in)), where
                             // fan_in is the product of kernel and channels.
  Initializer b_init = {};   // Unset: Zeros. Must be unset if !with_bias.
  std::string data_format = "NHWC";  // Or "NCHW"; see get_channel_index.
  std::string name = {};             // Replaces the field's name in tables.

  Variable w = {};  // [height, width, input_channels, output_channels]
  Variable b = {};  // [output_channels]; never created if !with_bias.

  // Throws ValueError or TypeError for options without meaning.
  void check() const;

  // The convolution of x.
  at::Tensor operator()(const at::Tensor& x) const;

  // The channels of the first x. Throws NotBuiltError before that.
  int64_t input_channels() const;
};

// The same over one dimension: x [N, W, C], or [N, C, W] with "NCW".
//
//     snt::Conv1D past{.output_channels = 4, .kernel_shape = 3, .rate = 2,
//                      .padding = snt::pad::causal};
//     at::Tensor y = past(at::ones({8, 20, 3}));  // y: [8, 20, 4]
struct Conv1D {
  Required<int64_t> output_channels;  // All options are those of Conv2D.
  IntOrList kernel_shape;             // Required.
  IntOrList stride = 1;
  IntOrList rate = 1;
  Padding padding = "SAME";
  bool with_bias = true;
  Initializer w_init = {};
  Initializer b_init = {};
  std::string data_format = "NWC";  // Or "NCW".
  std::string name = {};

  Variable w = {};  // [width, input_channels, output_channels]
  Variable b = {};  // [output_channels]

  // As Conv2D.
  void check() const;
  at::Tensor operator()(const at::Tensor& x) const;
  int64_t input_channels() const;
};

// The same over three dimensions: x [N, D, H, W, C], or "NCDHW".
//
//     snt::Conv3D conv{.output_channels = 4, .kernel_shape = {3, 2, 2}};
//     at::Tensor y = conv(at::ones({2, 5, 6, 7, 3}));  // y: [2, 5, 6, 7, 4]
struct Conv3D {
  Required<int64_t> output_channels;  // All options are those of Conv2D.
  IntOrList kernel_shape;             // Required.
  IntOrList stride = 1;
  IntOrList rate = 1;
  Padding padding = "SAME";
  bool with_bias = true;
  Initializer w_init = {};
  Initializer b_init = {};
  std::string data_format = "NDHWC";  // Or "NCDHW".
  std::string name = {};

  Variable w = {};  // [depth, height, width, input_channels, output_channels]
  Variable b = {};  // [output_channels]

  // As Conv2D.
  void check() const;
  at::Tensor operator()(const at::Tensor& x) const;
  int64_t input_channels() const;
};

// The same over a number of dimensions that is known at run time only.
//
//     snt::ConvND conv{.num_spatial_dims = 2, .output_channels = 4,
//                      .kernel_shape = 3, .data_format = "NHWC"};
//     at::Tensor y = conv(at::ones({2, 5, 6, 3}));  // y: [2, 5, 6, 4]
struct ConvND {
  Required<int64_t> num_spatial_dims;  // 1, 2 or 3.
  Required<int64_t> output_channels;   // The others are those of Conv2D.
  IntOrList kernel_shape;              // Required.
  IntOrList stride = 1;
  IntOrList rate = 1;
  Padding padding = "SAME";
  bool with_bias = true;
  Initializer w_init = {};
  Initializer b_init = {};
  std::string data_format = {};  // Must be given: it has no default.
  std::string name = {};

  Variable w = {};  // [kernel_shape..., input_channels, output_channels]
  Variable b = {};  // [output_channels]

  // As Conv2D.
  void check() const;
  at::Tensor operator()(const at::Tensor& x) const;
  int64_t input_channels() const;
};

}  // namespace snt
