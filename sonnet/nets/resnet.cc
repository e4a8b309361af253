#include "sonnet/nets/resnet.h"

#include <algorithm>
#include <array>

#include "sonnet/core/errors.h"
#include "sonnet/initializers/constant.h"
#include "sonnet/layers/conv_then.h"
#include "sonnet/nets/pooling.h"

namespace snt::nets {
namespace {

using snt::detail::conv_norm_then;
using snt::detail::norm_then;

resnet::BatchNormConfig or_default(
    const std::optional<resnet::BatchNormConfig>& config) {
  return config.value_or(
      resnet::BatchNormConfig{.decay_rate = 0.9, .eps = 1e-5});
}

// What a ResNet of any kind computes.
template <class Net>
at::Tensor logits_of(const Net& net, const at::Tensor& x, bool is_training) {
  at::Tensor y = net.initial_batchnorm
                     ? conv_norm_then(net.initial_conv, *net.initial_batchnorm,
                                      x, {is_training}, {.relu = true})
                     : net.initial_conv(x);
  y = detail::max_pool_3x3(y);
  for (const resnet::BlockGroup& group : net.block_groups) {
    y = group(y, is_training);
  }
  if (net.final_batchnorm) {
    y = norm_then(*net.final_batchnorm, y, {is_training}, {.relu = true});
  }
  return net.logits(detail::mean_pool(y));  // [N, H, W, C] -> [N, C]
}

}  // namespace

Conv2D detail::make_initial_conv() {
  return resnet::detail::make_conv(64, 7, 2, "initial_conv");
}

std::optional<BatchNorm> detail::make_resnet_norm(
    bool exists, const std::optional<resnet::BatchNormConfig>& config,
    const char* name) {
  return resnet::detail::make_batch_norm_if(exists, or_default(config), name);
}

std::vector<resnet::BlockGroup> detail::make_block_groups(
    const std::vector<int64_t>& blocks_per_group_list,
    const std::optional<resnet::BatchNormConfig>& config, bool resnet_v2,
    const std::vector<int64_t>& channels_per_group_list) {
  constexpr std::array<int64_t, 4> kStrides = {1, 2, 2, 2};
  // Lists of another length are refused later, by check().
  const size_t size = std::min({kStrides.size(), blocks_per_group_list.size(),
                                channels_per_group_list.size()});
  std::vector<resnet::BlockGroup> groups;
  for (size_t i = 0; i < size; ++i) {
    groups.push_back({.channels = channels_per_group_list[i],
                      .num_blocks = blocks_per_group_list[i],
                      .stride = kStrides[i],
                      .bn_config = or_default(config),
                      .resnet_v2 = resnet_v2,
                      .name = "block_group_" + std::to_string(i)});
  }
  return groups;
}

Linear detail::make_logits(int64_t num_classes) {
  return {.output_size = num_classes, .w_init = initializers::Zeros()};
}

void ResNet::check() const {
  snt::check(blocks_per_group_list.value.size() == 4, "ResNet",
             "`blocks_per_group_list` must be of length 4 not ",
             blocks_per_group_list.value.size());
  snt::check(channels_per_group_list.size() == 4, "ResNet",
             "`channels_per_group_list` must be of length 4 not ",
             channels_per_group_list.size());
}

at::Tensor ResNet::operator()(const at::Tensor& x,
                              const BoolLike& is_training) const {
  if (!initial_conv.w.is_built()) check();
  return logits_of(*this, x,
                   snt::detail::is_true(is_training, "is_training", "ResNet"));
}

at::Tensor ResNet50::operator()(const at::Tensor& x,
                                const BoolLike& is_training) const {
  return logits_of(
      *this, x, snt::detail::is_true(is_training, "is_training", "ResNet50"));
}

}  // namespace snt::nets
