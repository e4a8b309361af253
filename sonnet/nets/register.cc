#include "sonnet/nets/register.h"

#include "sonnet/core/layer.h"
#include "sonnet/core/registry.h"
#include "sonnet/nets/cifar10_conv_net.h"
#include "sonnet/nets/mlp.h"
#include "sonnet/nets/resnet.h"
#include "sonnet/nets/resnet_blocks.h"
#include "sonnet/nets/vector_quantizer.h"
#include "sonnet/nets/vector_quantizer_ema.h"

namespace snt {

void register_nets() {
  auto& registry = detail::the_registry<Layer>();
  registry.add<nets::Cifar10ConvNet>();
  registry.add<nets::MLP>();
  registry.add<nets::ResNet>();
  registry.add<nets::ResNet50>();
  registry.add<nets::resnet::BlockGroup>();
  registry.add<nets::resnet::BottleNeckBlockV1>();
  registry.add<nets::resnet::BottleNeckBlockV2>();
  registry.add<nets::VectorQuantizer>();
  registry.add<nets::VectorQuantizerEMA>();
}

}  // namespace snt
