// File: layers/conv_transpose.h
// Transposed convolutions over one, two and three dimensions.

#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sonnet/core/initializer.h"
#include "sonnet/core/required.h"
#include "sonnet/core/variable.h"
#include "sonnet/layers/one_or_list.h"

namespace snt {

// Transposed convolution over two dimensions: the transpose, as a linear map,
// of the convolution with the same kernel, stride, rate and padding. It makes
// an image larger by the stride:
//
//   y[n, i s + k r, j s + l r, o] += w[k, l, o, c] x[n, i, j, c], plus b[o]
//
//   x  [N, H, W, input_channels]     or [N, C, H, W] where data_format says so
//   y  [N, H', W', output_channels]  in the layout and dtype of x
//
// H' is H stride with padding "SAME", and H stride + (kernel - 1) rate with
// "VALID", unless `output_shape` says another size that the convolution takes
// to H. `input_channels` is read from the first x; w and b are created then, on
// the device and in the dtype of x. Copies share w and b.
//
//     snt::Conv2DTranspose up{
//         .output_channels = 3, .kernel_shape = 4, .stride = 2};
//     at::Tensor y = up(at::ones({8, 16, 16, 32}));  // y: [8, 32, 32, 3]
//     snt::Conv2DTranspose odd{.output_channels = 3, .kernel_shape = 4,
//                              .output_shape = {{31, 32}}, .stride = 2};
//     at::Tensor z = odd(at::ones({8, 16, 16, 32}));  // z: [8, 31, 32, 3]
//
// Throws ValueError for x of another rank or with other channels than the first
// x, for an impossible `output_shape` and for options without meaning;
// TypeError for lists of the wrong length, another padding, and when x has
// another dtype than w. Source: sonnet/src/conv_transpose.py.
struct Conv2DTranspose {
  Required<int64_t> output_channels;  // Channels of y.
  IntOrList kernel_shape;             // Required. All, or {height, width}.
  std::optional<std::vector<int64_t>> output_shape = {};  // {H', W'}.
  IntOrList stride = 1;          // Steps of y for each of x.
  IntOrList rate = 1;            // Steps inside a window.
  std::string padding = "SAME";  // Or "VALID".
  bool with_bias = true;         // Whether to add b.
  Initializer w_init = {};  // Unset: TruncatedNormal(1 / sqrt(fan_in)), where
                            // fan_in is the product of kernel and channels.
  Initializer b_init = {};  // Unset: Zeros. Must be unset if !with_bias.
  std::string data_format = "NHWC";  // Or "NCHW"; see get_channel_index.
  std::string name = {};             // Replaces the field's name in tables.

  Variable w = {};  // [height, width, output_channels, input_channels]
  Variable b = {};  // [output_channels]; never created if !with_bias.

  // Throws ValueError or TypeError for options without meaning.
  void check() const;

  // The transposed convolution of x.
  at::Tensor operator()(const at::Tensor& x) const;

  // The channels of the first x. Throws NotBuiltError before that.
  int64_t input_channels() const;
};

// The same over one dimension: x [N, W, C], or [N, C, W] with "NCW".
//
//     snt::Conv1DTranspose up{
//         .output_channels = 3, .kernel_shape = 4, .stride = 2};
//     at::Tensor y = up(at::ones({8, 16, 5}));  // y: [8, 32, 3]
struct Conv1DTranspose {
  Required<int64_t> output_channels;  // All options: see Conv2DTranspose.
  IntOrList kernel_shape;             // Required.
  std::optional<std::vector<int64_t>> output_shape = {};
  IntOrList stride = 1;
  IntOrList rate = 1;
  std::string padding = "SAME";
  bool with_bias = true;
  Initializer w_init = {};
  Initializer b_init = {};
  std::string data_format = "NWC";  // Or "NCW".
  std::string name = {};

  Variable w = {};  // [width, output_channels, input_channels]
  Variable b = {};  // [output_channels]

  // As Conv2DTranspose.
  void check() const;
  at::Tensor operator()(const at::Tensor& x) const;
  int64_t input_channels() const;
};

// The same over three dimensions: x [N, D, H, W, C], or "NCDHW".
//
//     snt::Conv3DTranspose up{
//         .output_channels = 3, .kernel_shape = 2, .stride = {1, 2, 2}};
//     at::Tensor y = up(at::ones({2, 4, 5, 6, 3}));  // y: [2, 4, 10, 12, 3]
struct Conv3DTranspose {
  Required<int64_t> output_channels;  // All options: see Conv2DTranspose.
  IntOrList kernel_shape;             // Required.
  std::optional<std::vector<int64_t>> output_shape = {};
  IntOrList stride = 1;
  IntOrList rate = 1;
  std::string padding = "SAME";
  bool with_bias = true;
  Initializer w_init = {};
  Initializer b_init = {};
  std::string data_format = "NDHWC";  // Or "NCDHW".
  std::string name = {};

  Variable w = {};  // [depth, height, width, output_channels, input_channels]
  Variable b = {};  // [output_channels]

  // As Conv2DTranspose.
  void check() const;
  at::Tensor operator()(const at::Tensor& x) const;
  int64_t input_channels() const;
};

// The same over a number of dimensions that is known at run time only.
//
//     snt::ConvNDTranspose up{.num_spatial_dims = 2, .output_channels = 3,
//                             .kernel_shape = 3, .data_format = "NHWC"};
//     at::Tensor y = up(at::ones({2, 5, 6, 4}));  // y: [2, 5, 6, 3]
struct ConvNDTranspose {
  Required<int64_t> num_spatial_dims;  // 1, 2 or 3.
  Required<int64_t> output_channels;   // The others: see Conv2DTranspose.
  IntOrList kernel_shape;              // Required.
  std::optional<std::vector<int64_t>> output_shape = {};
  IntOrList stride = 1;
  IntOrList rate = 1;
  std::string padding = "SAME";
  bool with_bias = true;
  Initializer w_init = {};
  Initializer b_init = {};
  std::string data_format = {};  // Must be given: it has no default.
  std::string name = {};

  Variable w = {};  // [kernel_shape..., output_channels, input_channels]
  Variable b = {};  // [output_channels]

  // As Conv2DTranspose.
  void check() const;
  at::Tensor operator()(const at::Tensor& x) const;
  int64_t input_channels() const;
};

}  // namespace snt
