// File: nets/resnet_blocks.h
// The blocks that a ResNet is made of.

#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "sonnet/core/initializer.h"
#include "sonnet/core/options.h"
#include "sonnet/core/required.h"
#include "sonnet/layers/batch_norm.h"
#include "sonnet/layers/bool_like.h"
#include "sonnet/layers/conv.h"
#include "sonnet/layers/one_or_list.h"

namespace snt::nets::resnet {

// Options of every BatchNorm of a network. Prints and stores as what was given:
// {'decay_rate': 0.9, 'eps': 1e-05}.
//
//     snt::nets::resnet::BatchNormConfig config{.decay_rate = 0.99};
//     snt::nets::ResNet50 net{.num_classes = 10, .bn_config = config};
struct BatchNormConfig {
  std::optional<double> decay_rate = {};  // Unset: BatchNorm's, 0.999.
  std::optional<double> eps = {};         // Unset: BatchNorm's, 1e-5.
};

namespace detail {

// A convolution without bias, with zeros around x by pad::same.
Conv2D make_conv(int64_t channels, int64_t kernel, const IntOrList& stride,
                 const char* name);
// The shortcut's convolution, where it has one.
std::optional<Conv2D> make_projection(int64_t channels, const IntOrList& stride,
                                      bool use_projection);
// A BatchNorm with scale and offset, and one that may not be there.
BatchNorm make_batch_norm(const BatchNormConfig& config, const char* name,
                          const Initializer& scale_init = {});
std::optional<BatchNorm> make_batch_norm_if(bool exists,
                                            const BatchNormConfig& config,
                                            const char* name);
// The three convolutions of a BottleNeckBlockV1, each with its BatchNorm.
std::vector<std::pair<Conv2D, BatchNorm>> make_layers(
    int64_t channels, const IntOrList& stride, const BatchNormConfig& config);

}  // namespace detail

// The residual block of a ResNet v1: three convolutions beside a shortcut,
//
//   y = relu(norm_2(conv_2(relu(norm_1(conv_1(relu(norm_0(conv_0(x)))))))) + s)
//   s = shortcut_norm(shortcut_conv(x)), or x without a projection
//
//   x  [N, H, W, C]
//   y  [N, H', W', channels]  H' = ceil(H / stride)
//
// conv_1 has a window of 3 x 3 and the stride, the others look at one pixel;
// conv_0 and conv_1 have a quarter of the channels. norm_2 starts with a scale
// of 0, and the block so as its shortcut. Copies share the variables.
//
//     snt::nets::resnet::BottleNeckBlockV1 block{
//         .channels = 16, .stride = 2, .use_projection = true,
//         .bn_config = snt::nets::resnet::BatchNormConfig{.eps = 1e-4}};
//     at::Tensor y = block(at::rand({2, 8, 8, 3}), /*is_training=*/true);
//
// Throws ValueError when, without a projection, x has not the shape of y.
// Source: He et al. 2015, "Deep Residual Learning for Image Recognition",
// 1512.03385; sonnet/src/nets/resnet.py.
struct BottleNeckBlockV1 {
  Required<int64_t> channels;           // Channels of y.
  IntOrList stride;                     // Required. All, or {height, width}.
  Required<bool> use_projection;        // Whether the shortcut convolves x.
  Required<BatchNormConfig> bn_config;  // Of every BatchNorm.
  std::string name = {};                // Replaces the field's name in tables.

  // Absent without a projection.
  std::optional<Conv2D> proj_conv =
      detail::make_projection(channels, stride, use_projection);
  std::optional<BatchNorm> proj_batchnorm = detail::make_batch_norm_if(
      use_projection, bn_config, "shortcut_batchnorm");
  // conv_i and batchnorm_i, at the paths layers/i/0 and layers/i/1.
  std::vector<std::pair<Conv2D, BatchNorm>> layers =
      detail::make_layers(channels, stride, bn_config);

  // The block's y.
  at::Tensor operator()(const at::Tensor& x, const BoolLike& is_training) const;
};

// The residual block of a ResNet v2, which normalises before it convolves,
//
//   y = conv_2(act_2(conv_1(act_1(conv_0(act_0(x)))))) + s
//   s = shortcut_conv(act_0(x)), or x without a projection
//
// with act_i(x) = relu(norm_i(x)). Otherwise as BottleNeckBlockV1; all scales
// start at 1.
//
//     snt::nets::resnet::BottleNeckBlockV2 block{
//         .channels = 16, .stride = 2, .use_projection = true,
//         .bn_config = snt::nets::resnet::BatchNormConfig{}};
//     at::Tensor y = block(at::rand({2, 8, 8, 3}), /*is_training=*/true);
//
// Throws ValueError when, without a projection, x has not the shape of y.
// Source: He et al. 2016, "Identity Mappings in Deep Residual Networks",
// 1603.05027; sonnet/src/nets/resnet.py.
struct BottleNeckBlockV2 {
  Required<int64_t> channels;           // Channels of y.
  IntOrList stride;                     // Required. All, or {height, width}.
  Required<bool> use_projection;        // Whether the shortcut convolves x.
  Required<BatchNormConfig> bn_config;  // Of every BatchNorm.
  std::string name = {};                // Replaces the field's name in tables.

  // Absent without a projection.
  std::optional<Conv2D> proj_conv =
      detail::make_projection(channels, stride, use_projection);
  Conv2D conv_0 = detail::make_conv(channels / 4, 1, 1, "conv_0");
  BatchNorm bn_0 = detail::make_batch_norm(bn_config, "batchnorm_0");
  Conv2D conv_1 = detail::make_conv(channels / 4, 3, stride, "conv_1");
  BatchNorm bn_1 = detail::make_batch_norm(bn_config, "batchnorm_1");
  Conv2D conv_2 = detail::make_conv(channels, 1, 1, "conv_2");
  BatchNorm bn_2 = detail::make_batch_norm(bn_config, "batchnorm_2");

  // The block's y.
  at::Tensor operator()(const at::Tensor& x, const BoolLike& is_training) const;
};

namespace detail {

// A block of one of the two kinds.
using Block = std::variant<BottleNeckBlockV1, BottleNeckBlockV2>;
// The blocks of a group, named block_0, block_1, ...
std::vector<Block> make_blocks(int64_t channels, int64_t num_blocks,
                               const IntOrList& stride,
                               const BatchNormConfig& config, bool resnet_v2);

}  // namespace detail

// Blocks one after the other, of which only the first has the stride, and a
// projection.
//
//   x  [N, H, W, C]
//   y  [N, H', W', channels]  H' = ceil(H / stride)
//
//     snt::nets::resnet::BlockGroup group{
//         .channels = 16, .num_blocks = 3, .stride = 2,
//         .bn_config = snt::nets::resnet::BatchNormConfig{}};
//     at::Tensor y = group(at::rand({2, 8, 8, 3}), /*is_training=*/true);
//
// Copies share the variables. Source: sonnet/src/nets/resnet.py.
struct BlockGroup {
  Required<int64_t> channels;           // Channels of y.
  Required<int64_t> num_blocks;         // Number of blocks; 0: y is x.
  IntOrList stride;                     // Required. Of the first block.
  Required<BatchNormConfig> bn_config;  // Of every BatchNorm.
  bool resnet_v2 = false;               // BottleNeckBlockV2 instead of V1.
  std::string name = {};                // Replaces the field's name in tables.

  // Paths blocks/0/..., blocks/1/...
  std::vector<detail::Block> blocks =
      detail::make_blocks(channels, num_blocks, stride, bn_config, resnet_v2);

  // All blocks, one after the other.
  at::Tensor operator()(const at::Tensor& x, const BoolLike& is_training) const;
};

}  // namespace snt::nets::resnet

// Reads and writes a BatchNormConfig as the dictionary of what was given.
template <>
struct snt::ConfigTraits<snt::nets::resnet::BatchNormConfig> {
  static Config to(const nets::resnet::BatchNormConfig& value);
  static nets::resnet::BatchNormConfig from(const Config& config,
                                            const std::string& where);
};
