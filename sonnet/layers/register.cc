#include "sonnet/layers/register.h"

#include "sonnet/core/layer.h"
#include "sonnet/core/registry.h"
#include "sonnet/layers/base_batch_norm.h"
#include "sonnet/layers/batch_apply.h"
#include "sonnet/layers/batch_norm.h"
#include "sonnet/layers/bias.h"
#include "sonnet/layers/conv.h"
#include "sonnet/layers/conv_transpose.h"
#include "sonnet/layers/depthwise_conv.h"
#include "sonnet/layers/dropout.h"
#include "sonnet/layers/embed.h"
#include "sonnet/layers/group_norm.h"
#include "sonnet/layers/instance_norm.h"
#include "sonnet/layers/layer_norm.h"
#include "sonnet/layers/linear.h"
#include "sonnet/layers/parallel_linears.h"
#include "sonnet/layers/reshape.h"
#include "sonnet/layers/sequential.h"

namespace snt {

void register_layers() {
  auto& registry = detail::the_registry<Layer>();
  registry.add<BaseBatchNorm>();
  registry.add<BatchApply>();
  registry.add<BatchNorm>();
  registry.add<Bias>();
  registry.add<Conv1D>();
  registry.add<Conv1DTranspose>();
  registry.add<Conv2D>();
  registry.add<Conv2DTranspose>();
  registry.add<Conv3D>();
  registry.add<Conv3DTranspose>();
  registry.add<ConvND>();
  registry.add<ConvNDTranspose>();
  registry.add<DepthwiseConv2D>();
  registry.add<Dropout>();
  registry.add<Embed>();
  registry.add<Flatten>();
  registry.add<GroupNorm>();
  registry.add<InstanceNorm>();
  registry.add<LayerNorm>();
  registry.add<Linear>();
  registry.add<ParallelLinears>();
  registry.add<Reshape>();
  registry.add<Sequential>();
}

}  // namespace snt
