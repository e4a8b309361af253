// The texts that Sonnet itself prints: shared/goldens/texts/reprs.json, written
// by dm-sonnet 2.0.2. Classes that this library does not have are skipped.

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sonnet/core/layer.h"
#include "sonnet/core/options.h"
#include "sonnet/core/registry.h"
#include "sonnet/optimizers/adam.h"
#include "sonnet/optimizers/momentum.h"
#include "sonnet/optimizers/rmsprop.h"
#include "sonnet/optimizers/sgd.h"
#include "sonnet/regularizers/regularizer.h"

namespace snt {
namespace {

struct Golden {
  std::string class_name;
  std::string config;
  std::string repr;
};

const Golden kGoldens[] = {
    {"Linear", R"({"output_size": 10})", "Linear(output_size=10)"},
    {"Linear", R"({"output_size": 1, "name": "linear_0"})",
     "Linear(output_size=1, name='linear_0')"},
    {"Linear", R"({"output_size": 3, "with_bias": false})",
     "Linear(output_size=3, with_bias=False)"},
    {"Bias", R"({"bias_dims": [-1]})", "Bias(bias_dims=[-1])"},
    {"Bias", R"({})", "Bias()"},
    {"Conv1D",
     R"({"output_channels": 3, "kernel_shape": 2, "padding": "VALID"})",
     "Conv1D(output_channels=3, kernel_shape=2, padding='VALID')"},
    {"Conv2D",
     R"({"output_channels": 3, "kernel_shape": [2, 3], "stride": 2, "rate": 1, "data_format": "NCHW"})",
     "Conv2D(output_channels=3, kernel_shape=[2, 3], stride=2, "
     "data_format='NCHW')"},
    {"Conv3D",
     R"({"output_channels": 3, "kernel_shape": 2, "with_bias": false})",
     "Conv3D(output_channels=3, kernel_shape=2, with_bias=False)"},
    {"Conv1DTranspose", R"({"output_channels": 3, "kernel_shape": 2})",
     "Conv1DTranspose(output_channels=3, kernel_shape=2)"},
    {"Conv2DTranspose",
     R"({"output_channels": 3, "kernel_shape": 2, "output_shape": [4, 5], "stride": 2, "padding": "VALID", "with_bias": false, "name": "upsampler"})",
     "Conv2DTranspose(\n    output_channels=3,\n    kernel_shape=2,\n    "
     "output_shape=[4, 5],\n    stride=2,\n    padding='VALID',\n    "
     "with_bias=False,\n    name='upsampler',\n)"},
    {"Conv3DTranspose",
     R"({"output_channels": 3, "kernel_shape": 2, "stride": [1, 2, 1]})",
     "Conv3DTranspose(output_channels=3, kernel_shape=2, stride=[1, 2, 1])"},
    {"DepthwiseConv2D", R"({"kernel_shape": 3, "channel_multiplier": 2})",
     "DepthwiseConv2D(kernel_shape=3, channel_multiplier=2)"},
    {"LayerNorm",
     R"({"axis": -1, "create_scale": true, "create_offset": false})",
     "LayerNorm(axis=-1, create_scale=True, create_offset=False)"},
    {"LayerNorm",
     R"({"axis": {"slice": [1, null]}, "create_scale": true, "create_offset": true, "eps": 0.001})",
     "LayerNorm(\n    axis=slice(1, None, None),\n    create_scale=True,\n    "
     "create_offset=True,\n    eps=0.001,\n)"},
    {"InstanceNorm",
     R"({"create_scale": true, "create_offset": true, "data_format": "channels_first"})",
     "InstanceNorm(\n    create_scale=True,\n    create_offset=True,\n    "
     "data_format='channels_first',\n)"},
    {"GroupNorm", R"({"groups": 4})", "GroupNorm(groups=4)"},
    {"GroupNorm", R"({"groups": 2, "axis": [1, 2], "create_scale": false})",
     "GroupNorm(groups=2, axis=[1, 2], create_scale=False)"},
    {"BatchNorm",
     R"({"create_scale": true, "create_offset": false, "decay_rate": 0.9})",
     "BatchNorm(create_scale=True, create_offset=False, decay_rate=0.9)"},
    {"BatchNorm",
     R"({"create_scale": true, "create_offset": true, "decay_rate": 0.999})",
     "BatchNorm(create_scale=True, create_offset=True)"},
    {"Embed", R"({"vocab_size": 10, "embed_dim": 3})",
     "Embed(vocab_size=10, embed_dim=3)"},
    {"Embed",
     R"({"vocab_size": 10, "densify_gradients": true, "trainable": false})",
     "Embed(vocab_size=10, densify_gradients=True, trainable=False)"},
    {"Reshape", R"({"output_shape": [2, -1]})",
     "Reshape(output_shape=[2, -1])"},
    {"Reshape", R"({"output_shape": [4], "preserve_dims": 2})",
     "Reshape(output_shape=[4], preserve_dims=2)"},
    {"Flatten", R"({})", "Flatten()"},
    {"Flatten", R"({"preserve_dims": 2})", "Flatten(preserve_dims=2)"},
    {"Dropout", R"({"rate": 0.5})", "Dropout(rate=0.5)"},
    {"Dropout", R"({"rate": 0.25, "seed": 3, "name": "drop"})",
     "Dropout(rate=0.25, seed=3, name='drop')"},
    {"Sum", R"({})", "Sum()"},
    {"Mean", R"({"name": "m"})", "Mean(name='m')"},
    {"ExponentialMovingAverage", R"({"decay": 0.99})",
     "ExponentialMovingAverage(decay=0.99)"},
    {"Sequential", R"({})", "Sequential()"},
    {"Sequential",
     R"({"layers": [{"class": "Linear", "config": {"output_size": 3}}]})",
     "Sequential(layers=[Linear(output_size=3)])"},
    {"BatchApply",
     R"({"module": {"class": "Linear", "config": {"output_size": 3}}, "num_dims": 3})",
     "BatchApply(module=Linear(output_size=3), num_dims=3)"},
    {"VanillaRNN", R"({"hidden_size": 4})", "VanillaRNN(hidden_size=4)"},
    {"LSTM", R"({"hidden_size": 4})", "LSTM(hidden_size=4)"},
    {"LSTM", R"({"hidden_size": 4, "projection_size": 2, "forget_bias": 0.5})",
     "LSTM(hidden_size=4, projection_size=2, forget_bias=0.5)"},
    {"UnrolledLSTM", R"({"hidden_size": 4})", "UnrolledLSTM(hidden_size=4)"},
    {"GRU", R"({"hidden_size": 4, "name": "core"})",
     "GRU(hidden_size=4, name='core')"},
    {"Conv1DLSTM",
     R"({"input_shape": [4, 2], "output_channels": 3, "kernel_shape": 3})",
     "Conv1DLSTM(input_shape=[4, 2], output_channels=3, kernel_shape=3)"},
    {"Conv2DLSTM",
     R"({"input_shape": [4, 5, 2], "output_channels": 3, "kernel_shape": [3, 2]})",
     "Conv2DLSTM(input_shape=[4, 5, 2], output_channels=3, kernel_shape=[3, "
     "2])"},
    {"Conv3DLSTM",
     R"({"input_shape": [4, 5, 2, 2], "output_channels": 3, "kernel_shape": 3, "forget_bias": 2.0})",
     "Conv3DLSTM(\n    input_shape=[4, 5, 2, 2],\n    output_channels=3,\n    "
     "kernel_shape=3,\n    forget_bias=2.0,\n)"},
    {"DeepRNN",
     R"({"layers": [{"class": "LSTM", "config": {"hidden_size": 3}}, {"class": "GRU", "config": {"hidden_size": 2}}]})",
     "DeepRNN(layers=[LSTM(hidden_size=3), GRU(hidden_size=2)])"},
    {"DeepRNN",
     R"({"layers": [{"class": "LSTM", "config": {"hidden_size": 16}}, {"class": "GRU", "config": {"hidden_size": 16}}, {"class": "LSTM", "config": {"hidden_size": 16, "projection_size": 4}}, {"class": "Linear", "config": {"output_size": 12, "with_bias": false}}], "name": "a_long_deep_network"})",
     "DeepRNN(\n    layers=[LSTM(hidden_size=16),\n            "
     "GRU(hidden_size=16),\n            LSTM(hidden_size=16, "
     "projection_size=4),\n            Linear(output_size=12, "
     "with_bias=False)],\n    name='a_long_deep_network',\n)"},
    {"nets.MLP", R"({"output_sizes": [4, 3]})", "MLP(output_sizes=[4, 3])"},
    {"nets.MLP",
     R"({"output_sizes": [4, 3], "with_bias": false, "dropout_rate": 0.5, "activate_final": true})",
     "MLP(output_sizes=[4, 3], with_bias=False, dropout_rate=0.5, "
     "activate_final=True)"},
    {"nets.Cifar10ConvNet", R"({})", "Cifar10ConvNet()"},
    {"nets.Cifar10ConvNet",
     R"({"num_classes": 3, "output_channels": [4, 5], "strides": [1, 2]})",
     "Cifar10ConvNet(num_classes=3, output_channels=[4, 5], strides=[1, 2])"},
    {"nets.ResNet",
     R"({"blocks_per_group_list": [1, 1, 1, 1], "num_classes": 10})",
     "ResNet(blocks_per_group_list=[1, 1, 1, 1], num_classes=10)"},
    {"nets.ResNet50", R"({"num_classes": 10, "resnet_v2": true})",
     "ResNet50(num_classes=10, resnet_v2=True)"},
    {"nets.resnet.BlockGroup",
     R"({"channels": 8, "num_blocks": 2, "stride": 1, "bn_config": {}})",
     "BlockGroup(channels=8, num_blocks=2, stride=1, bn_config={})"},
    {"nets.VectorQuantizer",
     R"({"embedding_dim": 3, "num_embeddings": 4, "commitment_cost": 0.25})",
     "VectorQuantizer(embedding_dim=3, num_embeddings=4, "
     "commitment_cost=0.25)"},
    {"nets.VectorQuantizerEMA",
     R"({"embedding_dim": 3, "num_embeddings": 4, "commitment_cost": 0.25, "decay": 0.99, "name": "vq"})",
     "VectorQuantizerEMA(\n    embedding_dim=3,\n    num_embeddings=4,\n    "
     "commitment_cost=0.25,\n    decay=0.99,\n    name='vq',\n)"},
    {"optimizers.SGD", R"({"learning_rate": 0.1})", "SGD(learning_rate=0.1)"},
    {"optimizers.Momentum",
     R"({"learning_rate": 0.1, "momentum": 0.9, "use_nesterov": true})",
     "Momentum(learning_rate=0.1, momentum=0.9, use_nesterov=True)"},
    {"optimizers.RMSProp", R"({"learning_rate": 0.1, "centered": true})",
     "RMSProp(learning_rate=0.1, centered=True)"},
    {"optimizers.Adam", R"({})", "Adam()"},
    {"optimizers.Adam", R"({"learning_rate": 0.01, "beta1": 0.5})",
     "Adam(learning_rate=0.01, beta1=0.5)"},
    {"regularizers.L1", R"({"scale": 0.01})", "L1(scale=0.01)"},
    {"regularizers.L2", R"({"scale": 0.01})", "L2(scale=0.01)"},
    {"regularizers.OffDiagonalOrthogonal", R"({"scale": 0.01})",
     "Orthogonal(scale=0.01)"},
    {"TrainableState", R"({"initial_values": [1.0, 2.0]})",
     "TrainableState(initial_values=[1.0, 2.0])"},
    {"ParallelLinears", R"({"output_size": 3})",
     "ParallelLinears(output_size=3)"},
};

// The module as JSON describes it, and as it is after a way through JSON.
template <class Erased>
std::optional<std::string> printed(const Golden& golden) {
  const std::vector<std::string> names = registry<Erased>().names();
  if (!std::binary_search(names.begin(), names.end(), golden.class_name)) {
    return std::nullopt;
  }
  const auto make = [](const std::string& json) {
    return registry<Erased>().make(parse_json(json), "golden");
  };
  const Erased module = make(R"({"class": ")" + golden.class_name +
                             R"(", "config": )" + golden.config + "}");
  const Erased again = make(to_json(module.config()));
  EXPECT_EQ(to_repr(again.config()), to_repr(module.config()));
  return to_repr(module.config());
}

template <class T>
std::string printed_struct(const Golden& golden) {
  const T object = from_json<T>(golden.config);
  EXPECT_EQ(repr(from_json<T>(to_json(object))), repr(object));
  return repr(object);
}

std::optional<std::string> printed_optimizer(const Golden& golden) {
  const std::map<std::string, std::function<std::string(const Golden&)>>
      optimizers = {
          {"optimizers.Adam", printed_struct<optimizers::Adam>},
          {"optimizers.Momentum", printed_struct<optimizers::Momentum>},
          {"optimizers.RMSProp", printed_struct<optimizers::RMSProp>},
          {"optimizers.SGD", printed_struct<optimizers::SGD>}};
  const auto it = optimizers.find(golden.class_name);
  if (it == optimizers.end()) return std::nullopt;
  return it->second(golden);
}

class ReprGolden : public testing::TestWithParam<Golden> {};

TEST_P(ReprGolden, IsWhatSonnetPrints) {
  const Golden& golden = GetParam();
  std::optional<std::string> text = printed<Layer>(golden);
  if (!text) text = printed<Regularizer>(golden);
  if (!text) text = printed_optimizer(golden);
  if (!text) GTEST_SKIP() << golden.class_name << " is not registered";
  EXPECT_STREQ(text->c_str(), golden.repr.c_str());
}

INSTANTIATE_TEST_SUITE_P(All, ReprGolden, testing::ValuesIn(kGoldens));

}  // namespace
}  // namespace snt
