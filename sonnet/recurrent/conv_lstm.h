// File: recurrent/conv_lstm.h
// Convolutional long short-term memory, one step at a time.

#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sonnet/core/initializer.h"
#include "sonnet/core/required.h"
#include "sonnet/core/variable.h"
#include "sonnet/layers/conv.h"
#include "sonnet/layers/one_or_list.h"
#include "sonnet/recurrent/lstm_state.h"

namespace snt {

// One step of a long short-term memory whose matrix products are convolutions
// over two dimensions, with stride 1 and padding "SAME":
//
//   i, f, g, o = conv(x, w_i) + conv(h, w_h) + b   a quarter of channels each
//   c' = sigmoid(f) c + sigmoid(i) tanh(g)
//   h' = sigmoid(o) tanh(c')
//
//   x             [batch, H, W, input_channels]   of `dtype`
//   h, c, h', c'  [batch, H, W, output_channels]
//
// or, with data_format "NCHW", [batch, channels, H, W] everywhere. The output
// is h'. The variables are created by the first call, on the device of x.
// Copies share them.
//
//     snt::Conv2DLSTM lstm{.input_shape = {6, 7, 3}, .output_channels = 4,
//                          .kernel_shape = 3};
//     auto [y, state] = lstm(at::ones({2, 6, 7, 3}), lstm.initial_state(2));
//     // y: [2, 6, 7, 4], the same as state.hidden
//
// Throws ValueError for x of another rank or with other channels than the first
// x, when the state does not fit, and for options without meaning; TypeError
// for another dtype than `dtype`. Source: Shi et al. 2015
// (xingjian2015convolutional); sonnet/src/recurrent.py, which computes "NCHW"
// wrongly.
struct Conv2DLSTM {
  Required<std::vector<int64_t>> input_shape;  // Of x, without the batch.
  Required<int64_t> output_channels;           // Channels of h and c.
  IntOrList kernel_shape;            // Required. All, or {height, width}.
  std::string data_format = "NHWC";  // Or "NCHW".
  // Unset: TruncatedNormal(1 / sqrt(fan_in)), where fan_in is the product of
  // the kernel and the channels of what is convolved.
  Initializer w_i_init = {};
  Initializer w_h_init = {};  // Unset: the same.
  Initializer b_init = {};    // Unset: Zeros.
  double forget_bias = 1.0;   // Added to b's forget gate when it is created.
  at::ScalarType dtype = at::kFloat;  // Of the variables, x and the state.
  std::string name = {};              // Replaces the field's name in tables.

  // w: [height, width, input_channels, 4 output_channels], gates i f g o.
  Conv2D input_to_hidden = {.output_channels = 4 * output_channels,
                            .kernel_shape = kernel_shape,
                            .with_bias = false,
                            .w_init = w_i_init,
                            .data_format = data_format};
  // w: [height, width, output_channels, 4 output_channels], gates i f g o.
  Conv2D hidden_to_hidden = {.output_channels = 4 * output_channels,
                             .kernel_shape = kernel_shape,
                             .with_bias = false,
                             .w_init = w_h_init,
                             .data_format = data_format};
  Variable b = {};  // [4 output_channels], gates i f g o.

  // Throws ValueError or TypeError for options without meaning.
  void check() const;

  // The output h' and the next state.
  std::pair<at::Tensor, LSTMState> operator()(
      const at::Tensor& inputs, const LSTMState& prev_state) const;

  // Zeros in the form of input_shape, on the device of the variables unless
  // another is given.
  LSTMState initial_state(int64_t batch_size,
                          std::optional<at::Device> device = {}) const;
};

// The same over one dimension: x [batch, W, C], or "NCW".
//
//     snt::Conv1DLSTM lstm{.input_shape = {6, 3}, .output_channels = 4,
//                          .kernel_shape = 3};
//     auto [y, state] = lstm(at::ones({2, 6, 3}), lstm.initial_state(2));
//     // y: [2, 6, 4]
struct Conv1DLSTM {
  Required<std::vector<int64_t>> input_shape;  // All options are
  Required<int64_t> output_channels;           // those of Conv2DLSTM.
  IntOrList kernel_shape;                      // Required.
  std::string data_format = "NWC";             // Or "NCW".
  Initializer w_i_init = {};
  Initializer w_h_init = {};
  Initializer b_init = {};
  double forget_bias = 1.0;
  at::ScalarType dtype = at::kFloat;
  std::string name = {};

  // w: [width, input_channels, 4 output_channels], gates i f g o.
  Conv1D input_to_hidden = {.output_channels = 4 * output_channels,
                            .kernel_shape = kernel_shape,
                            .with_bias = false,
                            .w_init = w_i_init,
                            .data_format = data_format};
  // w: [width, output_channels, 4 output_channels], gates i f g o.
  Conv1D hidden_to_hidden = {.output_channels = 4 * output_channels,
                             .kernel_shape = kernel_shape,
                             .with_bias = false,
                             .w_init = w_h_init,
                             .data_format = data_format};
  Variable b = {};  // [4 output_channels], gates i f g o.

  // As Conv2DLSTM.
  void check() const;
  std::pair<at::Tensor, LSTMState> operator()(
      const at::Tensor& inputs, const LSTMState& prev_state) const;
  LSTMState initial_state(int64_t batch_size,
                          std::optional<at::Device> device = {}) const;
};

// The same over three dimensions: x [batch, D, H, W, C], or "NCDHW".
//
//     snt::Conv3DLSTM lstm{.input_shape = {2, 5, 6, 3}, .output_channels = 4,
//                          .kernel_shape = {1, 3, 3}};
//     auto [y, state] = lstm(at::ones({1, 2, 5, 6, 3}), lstm.initial_state(1));
//     // y: [1, 2, 5, 6, 4]
struct Conv3DLSTM {
  Required<std::vector<int64_t>> input_shape;  // All options are
  Required<int64_t> output_channels;           // those of Conv2DLSTM.
  IntOrList kernel_shape;                      // Required.
  std::string data_format = "NDHWC";           // Or "NCDHW".
  Initializer w_i_init = {};
  Initializer w_h_init = {};
  Initializer b_init = {};
  double forget_bias = 1.0;
  at::ScalarType dtype = at::kFloat;
  std::string name = {};

  // w: [depth, height, width, input_channels, 4 output_channels], gates i f g
  // o.
  Conv3D input_to_hidden = {.output_channels = 4 * output_channels,
                            .kernel_shape = kernel_shape,
                            .with_bias = false,
                            .w_init = w_i_init,
                            .data_format = data_format};
  // w: [depth, height, width, output_channels, 4 output_channels], gates i f g
  // o.
  Conv3D hidden_to_hidden = {.output_channels = 4 * output_channels,
                             .kernel_shape = kernel_shape,
                             .with_bias = false,
                             .w_init = w_h_init,
                             .data_format = data_format};
  Variable b = {};  // [4 output_channels], gates i f g o.

  // As Conv2DLSTM.
  void check() const;
  std::pair<at::Tensor, LSTMState> operator()(
      const at::Tensor& inputs, const LSTMState& prev_state) const;
  LSTMState initial_state(int64_t batch_size,
                          std::optional<at::Device> device = {}) const;
};

}  // namespace snt
