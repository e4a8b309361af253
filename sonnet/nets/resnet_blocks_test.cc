#include "sonnet/nets/resnet_blocks.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "sonnet/core/options.h"
#include "sonnet/core/variables.h"
#include "sonnet/testing/expect_close.h"
#include "sonnet/testing/message_of.h"
#include "sonnet/testing/uneven.h"

namespace snt::nets::resnet::resnet_blocks_test {
namespace {

using Sizes = std::vector<int64_t>;

struct Net {
  BottleNeckBlockV1 block{8, 1, false, BatchNormConfig{}};
};

// All variables that are trained become uneven numbers, so that no scale is 0.
template <class M>
void fill(const M& module) {
  int64_t salt = 0;
  for (const Variable& v : trainable_variables(module)) {
    v.assign(0.5 * uneven(v.shape(), v.dtype(), ++salt) + 0.3);
  }
}

// A convolution with zeros of pad::same around x [N, H, W, C], as a sum of
// shifted products.
at::Tensor slow_conv(const at::Tensor& x, const Conv2D& conv, int64_t down,
                     int64_t right) {
  const at::Tensor w = conv.w.value().detach();
  const int64_t k = w.size(0);
  const int64_t before = (k - 1) / 2, after = k / 2;
  const at::Tensor padded =
      at::constant_pad_nd(x, {0, 0, before, after, before, after});
  at::Tensor y;
  for (int64_t i = 0; i < k; ++i) {
    for (int64_t j = 0; j < k; ++j) {
      const at::Tensor window =
          padded.slice(1, i, padded.size(1) - (k - 1 - i), down)
              .slice(2, j, padded.size(2) - (k - 1 - j), right);
      const at::Tensor term = at::matmul(window, w[i][j]);
      y = y.defined() ? y + term : term;
    }
  }
  return y;
}

// In training: each channel over all others.
at::Tensor slow_norm(const at::Tensor& x, const BatchNorm& norm) {
  const at::Tensor mean = x.mean({0, 1, 2}, true);
  const at::Tensor variance = (x - mean).square().mean({0, 1, 2}, true);
  return (x - mean) / (variance + norm.eps).sqrt() * norm.scale.value() +
         norm.offset.value();
}

TEST(ResNetBlocksTest, Version1AgainstItsFormula) {
  for (bool projection : {true, false}) {
    const int64_t stride = projection ? 2 : 1;
    const BottleNeckBlockV1 block{
        8, {1, stride}, projection, BatchNormConfig{.eps = 1e-2}};
    const at::Tensor x = uneven({2, 5, 6, projection ? 3 : 8});
    block(x, true);
    fill(block);
    const auto step = [&](size_t i, const at::Tensor& in) {
      return slow_norm(
          slow_conv(in, block.layers[i].first, 1, i == 1 ? stride : 1),
          block.layers[i].second);
    };
    const at::Tensor shortcut =
        projection ? slow_norm(slow_conv(x, *block.proj_conv, 1, stride),
                               *block.proj_batchnorm)
                   : x;
    const at::Tensor want =
        at::relu(step(2, at::relu(step(1, at::relu(step(0, x))))) + shortcut);
    expect_close(block(x, true), want, at::kDouble, 100);
  }
}

TEST(ResNetBlocksTest, Version2AgainstItsFormula) {
  for (bool projection : {true, false}) {
    const int64_t stride = projection ? 2 : 1;
    const BottleNeckBlockV2 block{8, stride, projection,
                                  BatchNormConfig{.eps = 1e-2}};
    const at::Tensor x = uneven({2, 5, 6, projection ? 3 : 8});
    block(x, true);
    fill(block);
    const at::Tensor first = at::relu(slow_norm(x, block.bn_0));
    const at::Tensor shortcut =
        projection ? slow_conv(first, *block.proj_conv, stride, stride) : x;
    at::Tensor y = slow_conv(first, block.conv_0, 1, 1);
    y = slow_conv(at::relu(slow_norm(y, block.bn_1)), block.conv_1, stride,
                  stride);
    y = slow_conv(at::relu(slow_norm(y, block.bn_2)), block.conv_2, 1, 1);
    expect_close(block(x, true), y + shortcut, at::kDouble, 100);
  }
}

// The last scale starts at 0: the block begins as relu of its shortcut.
TEST(ResNetBlocksTest, Version1StartsAsItsShortcut) {
  const Net net;
  const at::Tensor x = uneven({2, 3, 4, 8}, at::kFloat);
  EXPECT_TRUE(at::equal(net.block(x, true), at::relu(x)));
}

TEST(ResNetBlocksTest, AGroupIsItsBlocks) {
  for (bool v2 : {false, true}) {
    const BlockGroup group{8, 3, 2, BatchNormConfig{.decay_rate = 0.5}, v2};
    const at::Tensor x = uneven({2, 5, 6, 3});
    at::Tensor y = group(x, true);
    EXPECT_EQ(y.sizes(), at::IntArrayRef({2, 3, 3, 8}));
    fill(group);
    y = x;
    for (size_t i = 0; i < 3; ++i) {
      EXPECT_EQ(group.blocks[i].index(), v2 ? 1 : 0);
      y = std::visit(
          [&](const auto& block) {
            EXPECT_EQ(block.proj_conv.has_value(), i == 0);
            return block(y, true);
          },
          group.blocks[i]);
    }
    EXPECT_TRUE(at::equal(group(x, true), y));
  }
  const BlockGroup none{8, 0, 2, BatchNormConfig{}};
  const at::Tensor x = uneven({1, 2, 3, 4});
  EXPECT_TRUE(none(x, true).is_same(x));
}

TEST(ResNetBlocksTest, PathsAndNames) {
  const BlockGroup v1{8, 1, 2, BatchNormConfig{}, false, "block_group_0"};
  v1(uneven({1, 3, 4, 3}), true);
  std::string text;
  for (const NamedVariable& entry : named_variables(v1)) {
    if (entry.variable.trainable()) {
      text += entry.path + " = " + entry.variable.name() + "\n";
    }
  }
  EXPECT_EQ(text,
            "blocks/0/proj_conv/w = block_group_0/block_0/shortcut_conv/w\n"
            "blocks/0/proj_batchnorm/scale = "
            "block_group_0/block_0/shortcut_batchnorm/scale\n"
            "blocks/0/proj_batchnorm/offset = "
            "block_group_0/block_0/shortcut_batchnorm/offset\n"
            "blocks/0/layers/0/0/w = block_group_0/block_0/conv_0/w\n"
            "blocks/0/layers/0/1/scale = "
            "block_group_0/block_0/batchnorm_0/scale\n"
            "blocks/0/layers/0/1/offset = "
            "block_group_0/block_0/batchnorm_0/offset\n"
            "blocks/0/layers/1/0/w = block_group_0/block_0/conv_1/w\n"
            "blocks/0/layers/1/1/scale = "
            "block_group_0/block_0/batchnorm_1/scale\n"
            "blocks/0/layers/1/1/offset = "
            "block_group_0/block_0/batchnorm_1/offset\n"
            "blocks/0/layers/2/0/w = block_group_0/block_0/conv_2/w\n"
            "blocks/0/layers/2/1/scale = "
            "block_group_0/block_0/batchnorm_2/scale\n"
            "blocks/0/layers/2/1/offset = "
            "block_group_0/block_0/batchnorm_2/offset\n");
}

TEST(ResNetBlocksTest, Options) {
  const BottleNeckBlockV2 block{8, {1, 2}, true, BatchNormConfig{.eps = 0.01}};
  EXPECT_EQ(repr(block),
            "BottleNeckBlockV2(\n    channels=8,\n    stride=[1, 2],\n"
            "    use_projection=True,\n    bn_config={'eps': 0.01},\n)");
  EXPECT_EQ(block.bn_1.eps, 0.01);
  EXPECT_EQ(block.bn_1.decay_rate, 0.999);
  const BlockGroup group{8, 2, 1, BatchNormConfig{.decay_rate = 0.5}, true};
  EXPECT_EQ(to_json(from_json<BlockGroup>(to_json(group))), to_json(group));
  EXPECT_EQ(message_of([] {
              from_json<BlockGroup>(
                  R"({"channels": 8, "num_blocks": 1, "stride": 1,
                      "bn_config": {"epsilon": 1}})");
            }),
            "[BlockGroup.bn_config] unknown option 'epsilon'; known: "
            "decay_rate, eps");
  EXPECT_EQ(message_of([] {
              from_json<BlockGroup>(
                  R"({"channels": 8, "num_blocks": 1, "stride": 1,
                      "bn_config": 3})");
            }),
            "[BlockGroup.bn_config] must be an object, got 3");
}

TEST(ResNetBlocksTest, WithoutAProjectionTheShapesMustFit) {
  const Net net;
  net.block(uneven({1, 2, 3, 8}), true);
  named_variables(net);
  EXPECT_EQ(message_of([] {
              BottleNeckBlockV2{8, 1, false, BatchNormConfig{}}(
                  uneven({1, 2, 3, 4}), true);
            }),
            "[BottleNeckBlockV2] without a projection x must have the shape of "
            "the result, [1, 2, 3, 8], got shape [1, 2, 3, 4]");
  EXPECT_EQ(message_of([] {
              BottleNeckBlockV1{8, 2, false, BatchNormConfig{}}(
                  uneven({1, 2, 3, 8}), true);
            }),
            "[BottleNeckBlockV1] without a projection x must have the shape of "
            "the result, [1, 1, 2, 8], got shape [1, 2, 3, 8]");
}

}  // namespace
}  // namespace snt::nets::resnet::resnet_blocks_test
