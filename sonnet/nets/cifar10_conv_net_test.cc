#include "sonnet/nets/cifar10_conv_net.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "sonnet/core/build.h"
#include "sonnet/core/options.h"
#include "sonnet/core/variables.h"
#include "sonnet/initializers/constant.h"
#include "sonnet/testing/expect_close.h"
#include "sonnet/testing/message_of.h"
#include "sonnet/testing/uneven.h"

namespace snt::nets::cifar10_conv_net_test {
namespace {

Cifar10ConvNet small_net(const std::string& data_format = "NHWC") {
  return {.num_classes = 3,
          .b_init = initializers::Constant{0.25},
          .data_format = data_format,
          .output_channels = {4, 5},
          .strides = {1, 2}};
}

TEST(Cifar10ConvNetTest, IsItsPartsOneAfterTheOther) {
  const Cifar10ConvNet net = small_net();
  const at::Tensor x = uneven({2, 6, 5, 3});
  const Cifar10ConvNetOutput out = net(x, true);
  ASSERT_EQ(out.activations.size(), 3);
  at::Tensor y = x;
  for (size_t i = 0; i < 2; ++i) {
    y = at::relu(net.bn_modules[i](net.conv_modules[i](y), true));
    expect_close(out.activations[i], y);
  }
  EXPECT_EQ(y.sizes(), at::IntArrayRef({2, 3, 3, 5}));
  expect_close(out.activations[2], y.sum(1).sum(1) / 9, at::kDouble, 10);
  expect_close(out.logits, net.logits_module(out.activations[2]));
}

// Sonnet pools the wrong dimensions of a channels-first network.
TEST(Cifar10ConvNetTest, ChannelsFirst) {
  const Cifar10ConvNet last = small_net();
  const Cifar10ConvNet first = small_net("NCHW");
  const at::Tensor x = uneven({2, 6, 5, 3});
  last(x, true);
  first(x.permute({0, 3, 1, 2}), true);
  for (size_t i = 0; i < 2; ++i) {
    first.conv_modules[i].w.assign(last.conv_modules[i].w.value());
  }
  first.logits_module.w.assign(last.logits_module.w.value());
  const Cifar10ConvNetOutput a = last(x, true);
  const Cifar10ConvNetOutput b = first(x.permute({0, 3, 1, 2}), true);
  expect_close(b.logits, a.logits, at::kDouble, 100);
  expect_close(b.activations[1].permute({0, 2, 3, 1}), a.activations[1],
               at::kDouble, 100);
}

// Outside training only test_local_stats says whose moments normalise.
TEST(Cifar10ConvNetTest, TestLocalStats) {
  const Cifar10ConvNet net = small_net();
  const at::Tensor x = uneven({2, 6, 5, 3});
  const at::Tensor trained = net(x, true).logits;
  const at::Tensor z = 3 * uneven({4, 6, 5, 3}, at::kDouble, 1);
  net(z, true);
  expect_close(net(x, false).logits, trained, at::kDouble, 100);
  const at::Tensor averaged = net(x, false, false).logits;
  EXPECT_FALSE(at::allclose(averaged, trained));
  EXPECT_EQ(net.bn_modules[0].moving_mean.counter.value().item<int64_t>(), 2);
  const at::Tensor no = at::scalar_tensor(false, at::kBool);
  EXPECT_TRUE(at::equal(net(x, no, no).logits, averaged));
}

TEST(Cifar10ConvNetTest, Variables) {
  const Cifar10ConvNet net{
      .output_channels = {2, 3, 2, 3, 2, 3, 2, 3, 2, 3, 2}};
  build(net, Shape{-1, 4, 4, 3}, true);
  EXPECT_EQ(variables(net).size(), 112);
  EXPECT_EQ(submodules(net).size(), 45);
  EXPECT_EQ(net.conv_modules[3].w.name(), "cifar10_conv_net/conv_2d_3/w");
  EXPECT_EQ(net.bn_modules[10].offset.name(),
            "cifar10_conv_net/batch_norm_10/offset");
  EXPECT_EQ(net.bn_modules[10].offset.path(), "bn_modules/10/offset");
  EXPECT_EQ(net.logits_module.b.name(), "cifar10_conv_net/logits/b");
  EXPECT_FALSE(net.bn_modules[0].scale.trainable());
}

TEST(Cifar10ConvNetTest, WithoutLayersPoolsItsInput) {
  const Cifar10ConvNet net{
      .num_classes = 2, .output_channels = {}, .strides = {}};
  const at::Tensor x = uneven({2, 3, 4, 5});
  expect_close(net(x, true).activations.at(0), x.sum(1).sum(1) / 12);
}

TEST(Cifar10ConvNetTest, OptionsAndErrors) {
  EXPECT_EQ(repr(Cifar10ConvNet{}), "Cifar10ConvNet()");
  EXPECT_EQ(to_json(from_json<Cifar10ConvNet>(to_json(small_net("NCHW")))),
            to_json(small_net("NCHW")));
  const Cifar10ConvNet uneven_lists{.output_channels = {4, 5}, .strides = {1}};
  EXPECT_EQ(message_of([&] {
              uneven_lists(at::ones({1, 4, 4, 3}), true);
            }),
            "[Cifar10ConvNet] The length of `output_channels` and `strides` "
            "must be equal. Got 2 and 1");
  EXPECT_EQ(message_of([] {
              small_net("NHW")(at::ones({1, 4, 4, 3}), true);
            }).find("[get_channel_index] Unable to extract channel"),
            0);
}

}  // namespace
}  // namespace snt::nets::cifar10_conv_net_test
