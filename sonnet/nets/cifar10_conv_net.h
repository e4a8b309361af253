// File: nets/cifar10_conv_net.h
// A convolutional network for small images.

#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "sonnet/core/initializer.h"
#include "sonnet/layers/batch_norm.h"
#include "sonnet/layers/bool_like.h"
#include "sonnet/layers/conv.h"
#include "sonnet/layers/linear.h"

namespace snt::nets {

// What a Cifar10ConvNet gives.
struct Cifar10ConvNetOutput {
  at::Tensor logits;  // [N, num_classes]
  // The result of each layer, after relu, then the pooled one, [N, channels].
  std::vector<at::Tensor> activations;
};

namespace detail {

// The convolutions conv_2d_0, conv_2d_1, ... of 3 x 3; as many as there are
// channels and strides.
std::vector<Conv2D> make_convs(const std::vector<int64_t>& output_channels,
                               const std::vector<int64_t>& strides,
                               const Initializer& w_init,
                               const Initializer& b_init,
                               const std::string& data_format);
// The BatchNorms batch_norm_0, batch_norm_1, ..., without a scale.
std::vector<BatchNorm> make_batch_norms(size_t number,
                                        const std::string& data_format);
// The last layer.
Linear make_logits_module(int64_t num_classes, const Initializer& w_init,
                          const Initializer& b_init);

}  // namespace detail

// Layers of convolution, BatchNorm and relu, the mean over height and width of
// what they leave, and a linear layer: VGG without its pooling, with BatchNorm.
// Pixels should be between -1 and 1.
//
//   x       [N, H, W, C], or [N, C, H, W] where data_format says so
//   logits  [N, num_classes]
//
// Outside training the images are normalised by their own moments, unless
// test_local_stats is false. Copies share the variables.
//
//     snt::nets::Cifar10ConvNet net{.output_channels = {16, 32},
//                                   .strides = {1, 2}};
//     auto out = net(at::rand({8, 32, 32, 3}), /*is_training=*/true);
//     at::Tensor y = out.logits;  // [8, 10]
//
// Throws ValueError for lists of different lengths, for x of another rank than
// 4 or with other channels than the first x. Source: sonnet/src/nets/
// cifar10_convnet.py.
struct Cifar10ConvNet {
  int64_t num_classes = 10;          // Number of logits.
  Initializer w_init = {};           // Of all layers; unset: their defaults.
  Initializer b_init = {};           // Of all layers; unset: their defaults.
  std::string data_format = "NHWC";  // Or "NCHW".
  // Of the layers, and the steps between their windows.
  std::vector<int64_t> output_channels = {64,  64,  128, 128, 128, 256,
                                          256, 256, 512, 512, 512};
  std::vector<int64_t> strides = {1, 1, 2, 1, 1, 2, 1, 1, 2, 1, 1};
  std::string name = {};  // Replaces the field's name in tables.

  // The layers: paths conv_modules/0/w, ..., bn_modules/0/offset, ...
  std::vector<Conv2D> conv_modules =
      detail::make_convs(output_channels, strides, w_init, b_init, data_format);
  std::vector<BatchNorm> bn_modules =
      detail::make_batch_norms(conv_modules.size(), data_format);
  // The last layer.
  Linear logits_module =
      detail::make_logits_module(num_classes, w_init, b_init);

  // Throws ValueError for options that contradict each other.
  void check() const;

  // The logits, and what led to them.
  Cifar10ConvNetOutput operator()(
      const at::Tensor& x, const BoolLike& is_training,
      const BoolLike& test_local_stats = true) const;
};

}  // namespace snt::nets
