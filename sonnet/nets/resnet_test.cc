#include "sonnet/nets/resnet.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "sonnet/core/build.h"
#include "sonnet/core/clone.h"
#include "sonnet/core/errors.h"
#include "sonnet/core/options.h"
#include "sonnet/core/variables.h"
#include "sonnet/nets/pooling.h"
#include "sonnet/testing/expect_close.h"
#include "sonnet/testing/message_of.h"
#include "sonnet/testing/uneven.h"

namespace snt::nets::resnet_test {
namespace {

ResNet small_resnet(bool v2) {
  return {.blocks_per_group_list = {1, 2, 1, 1},
          .num_classes = 3,
          .resnet_v2 = v2,
          .channels_per_group_list = {8, 12, 4, 16}};
}

// No logits of 0, and no scales of 0.
void fill(const ResNet& net) {
  int64_t salt = 0;
  for (const Variable& v : trainable_variables(net)) {
    v.assign(0.3 * uneven(v.shape(), v.dtype(), ++salt) + 0.1);
  }
}

TEST(ResNetTest, IsItsPartsOneAfterTheOther) {
  for (bool v2 : {false, true}) {
    const ResNet net = small_resnet(v2);
    const at::Tensor x = uneven({2, 34, 33, 2});
    net(x, true);
    fill(net);
    at::Tensor y = net.initial_conv(x);
    EXPECT_EQ(y.sizes(), at::IntArrayRef({2, 17, 17, 64}));
    if (!v2) y = at::relu((*net.initial_batchnorm)(y, true));
    y = detail::max_pool_3x3(y);
    for (const auto& group : net.block_groups) y = group(y, true);
    EXPECT_EQ(y.sizes(), at::IntArrayRef({2, 2, 2, 16}));
    if (v2) y = at::relu((*net.final_batchnorm)(y, true));
    const at::Tensor want = net.logits(y.mean(1).mean(1));
    expect_close(net(x, at::scalar_tensor(true, at::kBool)), want, at::kDouble,
                 100);
    EXPECT_EQ(net.initial_batchnorm.has_value(), !v2);
    EXPECT_EQ(net.final_batchnorm.has_value(), v2);
  }
}

TEST(ResNetTest, ExamplesAreIndependentOutsideTraining) {
  const ResNet net = small_resnet(true);
  const at::Tensor x = uneven({3, 20, 33, 2});
  net(x, true);
  fill(net);
  const at::Tensor y = net(x, false);
  expect_close(net(x.narrow(0, 1, 1), false), y.narrow(0, 1, 1), at::kDouble,
               100);
  EXPECT_EQ(net(x.narrow(0, 0, 0), false).sizes(), at::IntArrayRef({0, 3}));
}

// In the order of use; the names are Sonnet's.
TEST(ResNetTest, Variables) {
  const ResNet net{.blocks_per_group_list = {1, 1, 1, 1},
                   .num_classes = 10,
                   .channels_per_group_list = {4, 4, 4, 4}};
  EXPECT_TRUE(
      at::equal(build(net, Shape{-1, 9, 9, 3}, true), at::zeros({1, 10})));
  const auto named = named_variables(net);
  ASSERT_EQ(named.size(), 155);
  EXPECT_EQ(named[0].path, "initial_conv/w");
  EXPECT_EQ(named[0].variable.name(), "res_net/initial_conv/w");
  EXPECT_EQ(named[1].path, "initial_batchnorm/scale");
  EXPECT_EQ(named[154].path, "logits/b");
  EXPECT_EQ(named[154].variable.name(), "res_net/logits/b");
  EXPECT_EQ(named[9].path, "block_groups/0/blocks/0/proj_conv/w");
  EXPECT_EQ(named[9].variable.name(),
            "res_net/block_group_0/block_0/shortcut_conv/w");
}

// Counted without computing anything: shapes follow from the options.
TEST(ResNetTest, Fifty) {
  for (bool v2 : {false, true}) {
    const ResNet50 net{.num_classes = 10, .resnet_v2 = v2, .name = "body"};
    ASSERT_EQ(net.block_groups.size(), 4);
    const std::vector<size_t> blocks = {3, 4, 6, 3};
    const std::vector<int64_t> channels = {256, 512, 1024, 2048};
    for (size_t i = 0; i < 4; ++i) {
      EXPECT_EQ(net.block_groups[i].blocks.size(), blocks[i]);
      EXPECT_EQ(net.block_groups[i].channels, channels[i]);
    }
    EXPECT_EQ(net.final_batchnorm.has_value(), v2);
  }
}

TEST(ResNetTest, BatchNormConfig) {
  const auto norm_of = [](const ResNet& net) { return *net.initial_batchnorm; };
  const ResNet usual{{1, 1, 1, 1}, 3};
  EXPECT_EQ(norm_of(usual).decay_rate, 0.9);
  EXPECT_EQ(norm_of(usual).eps, 1e-5);
  const ResNet empty{{1, 1, 1, 1}, 3, resnet::BatchNormConfig{}};
  EXPECT_EQ(norm_of(empty).decay_rate, 0.999);
  const ResNet given{
      {1, 1, 1, 1}, 3, resnet::BatchNormConfig{.decay_rate = 0.5, .eps = 0.1}};
  EXPECT_EQ(norm_of(given).decay_rate, 0.5);
  EXPECT_EQ(norm_of(given).eps, 0.1);
  EXPECT_EQ(given.block_groups[3].bn_config.value.eps, 0.1);
}

TEST(ResNetTest, CopiesShareAndClonesDoNot) {
  const ResNet net = small_resnet(false);
  const ResNet copy = net;
  const ResNet other = clone(net);
  const at::Tensor x = uneven({1, 9, 9, 2});
  net(x, false);
  fill(net);
  EXPECT_TRUE(at::equal(copy(x, false), net(x, false)));
  EXPECT_FALSE(other.initial_conv.w.is_built());
}

TEST(ResNetTest, Options) {
  EXPECT_EQ(repr(ResNet{{1, 1, 1, 1}, 10}),
            "ResNet(blocks_per_group_list=[1, 1, 1, 1], num_classes=10)");
  EXPECT_EQ(repr(ResNet50{10, resnet::BatchNormConfig{.eps = 0.5}, true}),
            "ResNet50(num_classes=10, bn_config={'eps': 0.5}, resnet_v2=True)");
  const ResNet all{{1, 2, 3, 4}, 3,    resnet::BatchNormConfig{0.5, 0.1}, true,
                   {4, 4, 4, 4}, "net"};
  EXPECT_EQ(to_json(from_json<ResNet>(to_json(all))), to_json(all));
}

TEST(ResNetTest, Errors) {
  const at::Tensor x = at::ones({1, 9, 9, 3});
  EXPECT_EQ(message_of([&] {
              ResNet{{1, 1, 1}, 3}(x, true);
            }),
            "[ResNet] `blocks_per_group_list` must be of length 4 not 3");
  const ResNet channels{.blocks_per_group_list = {1, 1, 1, 1},
                        .num_classes = 3,
                        .channels_per_group_list = {4, 4, 4, 4, 4}};
  EXPECT_EQ(message_of([&] { channels(x, true); }),
            "[ResNet] `channels_per_group_list` must be of length 4 not 5");
  EXPECT_FALSE(channels.initial_conv.w.is_built());
}

}  // namespace
}  // namespace snt::nets::resnet_test
