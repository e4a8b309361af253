#include <ATen/ATen.h>

#include "sonnet/conformance/class_table.h"
#include "sonnet/nets/cifar10_conv_net.h"
#include "sonnet/nets/mlp.h"
#include "sonnet/nets/resnet.h"
#include "sonnet/nets/resnet_blocks.h"
#include "sonnet/nets/vector_quantizer.h"
#include "sonnet/nets/vector_quantizer_ema.h"

namespace snt::conformance {
namespace {

ExampleArgs floats_and_no_training(std::vector<int64_t> shape) {
  return [shape](at::ScalarType dtype) {
    return std::vector<Nest>{at::randn(shape).to(dtype), false};
  };
}

// A quantizer, with the variables that Sonnet makes in the constructor.
template <class T>
RowOf<T> quantizer(const std::string& name) {
  return module<T>(name)
      .call("inputs, is_training")
      .method("quantize", &T::quantize, "encoding_indices")
      .creates([](const T& m) { m.quantize(at::zeros({0}, at::kLong)); });
}

}  // namespace

// BatchNorms that were never trained divide by sqrt(eps): 1 in the examples, so
// that numbers keep their size. Many channels: a pixel that relu leaves empty
// has no derivative.
void add_net_rows(ClassTable& table) {
  table.add(module<nets::Cifar10ConvNet>("nets.Cifar10ConvNet")
                .call("inputs, is_training, test_local_stats=True")
                .example(R"({"num_classes": 3, "output_channels": [4, 5],
                             "strides": [1, 2]})",
                         floats_and_no_training({2, 4, 5, 2})));
  table.add(module<nets::MLP>("nets.MLP")
                .call("inputs, is_training=None")
                .derives("reverse", &nets::MLP::reverse,
                         "activate_final=None, name=None")
                .example(R"({"output_sizes": [4, 3]})", floats({2, 5})));
  table.add(module<nets::ResNet>("nets.ResNet")
                .call("inputs, is_training")
                .example(R"({"blocks_per_group_list": [1, 1, 1, 1],
                             "num_classes": 3, "bn_config": {"eps": 1.0},
                             "channels_per_group_list": [4, 4, 8, 4]})",
                         floats_and_no_training({1, 9, 8, 2})));
  table.add(module<nets::ResNet50>("nets.ResNet50")
                .call("inputs, is_training")
                .example(R"({"num_classes": 3})"));
  table.add(module<nets::resnet::BlockGroup>("nets.resnet.BlockGroup")
                .call("inputs, is_training")
                .example(R"({"channels": 12, "num_blocks": 2, "stride": 2,
                             "bn_config": {"eps": 1.0}, "resnet_v2": true})",
                         floats_and_no_training({1, 5, 4, 12})));
  table.add(
      module<nets::resnet::BottleNeckBlockV1>("nets.resnet.BottleNeckBlockV1")
          .call("inputs, is_training")
          .example(R"({"channels": 4, "stride": 1, "use_projection": true,
                       "bn_config": {"decay_rate": 0.9, "eps": 1.0}})",
                   floats_and_no_training({2, 4, 5, 3})));
  table.add(
      module<nets::resnet::BottleNeckBlockV2>("nets.resnet.BottleNeckBlockV2")
          .call("inputs, is_training")
          .example(R"({"channels": 12, "stride": 1, "use_projection": false,
                       "bn_config": {"eps": 1.0}})",
                   floats_and_no_training({1, 3, 4, 12})));
  table.add(quantizer<nets::VectorQuantizer>("nets.VectorQuantizer")
                .example(R"({"embedding_dim": 3, "num_embeddings": 4,
                             "commitment_cost": 0.25, "dtype": "float32"})",
                         floats_and_no_training({2, 5, 3})));
  table.add(quantizer<nets::VectorQuantizerEMA>("nets.VectorQuantizerEMA")
                .example(R"({"embedding_dim": 3, "num_embeddings": 4,
                             "commitment_cost": 0.25, "decay": 0.9,
                             "dtype": "float32"})",
                         floats_and_no_training({2, 5, 3})));
}

}  // namespace snt::conformance
