// File: nets/resnet.h
// Residual networks for images.

#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sonnet/core/required.h"
#include "sonnet/layers/batch_norm.h"
#include "sonnet/layers/bool_like.h"
#include "sonnet/layers/conv.h"
#include "sonnet/layers/linear.h"
#include "sonnet/nets/resnet_blocks.h"

namespace snt::nets {

namespace detail {

// What the networks below consist of, from their options.
Conv2D make_initial_conv();
std::optional<BatchNorm> make_resnet_norm(
    bool exists, const std::optional<resnet::BatchNormConfig>& config,
    const char* name);
std::vector<resnet::BlockGroup> make_block_groups(
    const std::vector<int64_t>& blocks_per_group_list,
    const std::optional<resnet::BatchNormConfig>& config, bool resnet_v2,
    const std::vector<int64_t>& channels_per_group_list);
Linear make_logits(int64_t num_classes);

}  // namespace detail

// A residual network: a convolution of 7 x 7 and a pooling of 3 x 3, which
// both halve the image; four groups of blocks, of which the last three halve it
// again; the mean over what is left of it, and a linear layer.
//
//   x  [N, H, W, C]        image, channels last
//   y  [N, num_classes]    logits; all 0 at first
//
// In version 1 a BatchNorm with relu follows the first convolution, in version
// 2 the last group. Copies share the variables.
//
//     snt::nets::ResNet net{.blocks_per_group_list = {2, 2, 2, 2},
//                           .num_classes = 10,
//                           .channels_per_group_list = {16, 32, 64, 128}};
//     at::Tensor y = net(at::rand({2, 32, 32, 3}), /*is_training=*/true);
//
// Throws ValueError for x of another rank than 4 or with other channels than
// the first x, and unless both lists have four entries. Source: He et al. 2015,
// "Deep Residual Learning for Image Recognition", 1512.03385; He et al. 2016,
// "Identity Mappings in Deep Residual Networks", 1603.05027; sonnet/src/nets/
// resnet.py.
struct ResNet {
  Required<std::vector<int64_t>> blocks_per_group_list;  // Four numbers.
  Required<int64_t> num_classes;                         // Number of logits.
  // Of every BatchNorm; unset: decay_rate 0.9, eps 1e-5.
  std::optional<resnet::BatchNormConfig> bn_config = {};
  bool resnet_v2 = false;  // Version 2 of the network.
  std::vector<int64_t> channels_per_group_list = {256, 512, 1024, 2048};  // 4.
  std::string name = {};  // Replaces the field's name in tables.

  // 64 channels, a window of 7 x 7, stride 2.
  Conv2D initial_conv = detail::make_initial_conv();
  std::optional<BatchNorm> initial_batchnorm =  // Of version 1.
      detail::make_resnet_norm(!resnet_v2, bn_config, "initial_batchnorm");
  std::vector<resnet::BlockGroup> block_groups = detail::make_block_groups(
      blocks_per_group_list, bn_config, resnet_v2, channels_per_group_list);
  std::optional<BatchNorm> final_batchnorm =  // Of version 2.
      detail::make_resnet_norm(resnet_v2, bn_config, "final_batchnorm");
  Linear logits = detail::make_logits(num_classes);

  // Throws ValueError for lists of another length than 4.
  void check() const;

  // The logits.
  at::Tensor operator()(const at::Tensor& x, const BoolLike& is_training) const;
};

// The ResNet with 3, 4, 6 and 3 blocks: 50 layers of weights.
//
//     snt::nets::ResNet50 net{.num_classes = 1000, .resnet_v2 = true};
//     at::Tensor y = net(at::rand({1, 64, 64, 3}), /*is_training=*/true);
//
// See ResNet for all else.
struct ResNet50 {
  Required<int64_t> num_classes;  // Number of logits.
  // Of every BatchNorm; unset: decay_rate 0.9, eps 1e-5.
  std::optional<resnet::BatchNormConfig> bn_config = {};
  bool resnet_v2 = false;  // Version 2 of the network.
  std::string name = {};   // Replaces the field's name in tables.

  // 64 channels, a window of 7 x 7, stride 2.
  Conv2D initial_conv = detail::make_initial_conv();
  std::optional<BatchNorm> initial_batchnorm =  // Of version 1.
      detail::make_resnet_norm(!resnet_v2, bn_config, "initial_batchnorm");
  std::vector<resnet::BlockGroup> block_groups = detail::make_block_groups(
      {3, 4, 6, 3}, bn_config, resnet_v2, {256, 512, 1024, 2048});
  std::optional<BatchNorm> final_batchnorm =  // Of version 2.
      detail::make_resnet_norm(resnet_v2, bn_config, "final_batchnorm");
  Linear logits = detail::make_logits(num_classes);

  // The logits.
  at::Tensor operator()(const at::Tensor& x, const BoolLike& is_training) const;
};

}  // namespace snt::nets
