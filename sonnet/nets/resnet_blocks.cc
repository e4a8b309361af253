#include "sonnet/nets/resnet_blocks.h"

#include <ATen/ATen.h>

#include "sonnet/core/errors.h"
#include "sonnet/initializers/constant.h"
#include "sonnet/layers/conv_then.h"
#include "sonnet/layers/pad.h"

namespace snt::nets::resnet {
namespace {

using snt::detail::conv_norm_then;
using snt::detail::norm_then;

// A shortcut beside layers that take the same x.
void check_shortcut(const at::Tensor& shortcut, at::IntArrayRef wanted,
                    const Who& who) {
  check(shortcut.sizes() == wanted, who,
        "without a projection x must have the shape of the result, ", wanted,
        ", got shape ", shortcut.sizes());
}

}  // namespace

Conv2D detail::make_conv(int64_t channels, int64_t kernel,
                         const IntOrList& stride, const char* name) {
  return {.output_channels = channels,
          .kernel_shape = kernel,
          .stride = stride,
          .padding = pad::same,
          .with_bias = false,
          .name = name};
}

std::optional<Conv2D> detail::make_projection(int64_t channels,
                                              const IntOrList& stride,
                                              bool use_projection) {
  if (!use_projection) return std::nullopt;
  return make_conv(channels, 1, stride, "shortcut_conv");
}

BatchNorm detail::make_batch_norm(const BatchNormConfig& config,
                                  const char* name,
                                  const Initializer& scale_init) {
  BatchNorm norm{.create_scale = true,
                 .create_offset = true,
                 .scale_init = scale_init,
                 .name = name};
  norm.decay_rate = config.decay_rate.value_or(norm.decay_rate);
  norm.eps = config.eps.value_or(norm.eps);
  return norm;
}

std::optional<BatchNorm> detail::make_batch_norm_if(
    bool exists, const BatchNormConfig& config, const char* name) {
  if (!exists) return std::nullopt;
  return make_batch_norm(config, name);
}

std::vector<std::pair<Conv2D, BatchNorm>> detail::make_layers(
    int64_t channels, const IntOrList& stride, const BatchNormConfig& config) {
  return {{make_conv(channels / 4, 1, 1, "conv_0"),
           make_batch_norm(config, "batchnorm_0")},
          {make_conv(channels / 4, 3, stride, "conv_1"),
           make_batch_norm(config, "batchnorm_1")},
          {make_conv(channels, 1, 1, "conv_2"),
           make_batch_norm(config, "batchnorm_2", initializers::Zeros())}};
}

at::Tensor BottleNeckBlockV1::operator()(const at::Tensor& x,
                                         const BoolLike& is_training) const {
  const char* who = "BottleNeckBlockV1";
  const snt::detail::NormMode mode = {
      snt::detail::is_true(is_training, "is_training", who)};
  const at::Tensor shortcut =
      proj_conv ? conv_norm_then(*proj_conv, *proj_batchnorm, x, mode, {}) : x;
  at::Tensor y = x;
  for (size_t i = 0; i + 1 < layers.size(); ++i) {
    const auto& [conv, batch_norm] = layers[i];
    y = conv_norm_then(conv, batch_norm, y, mode, {.relu = true});
  }
  const auto& [conv, batch_norm] = layers.back();
  // The last convolution keeps the size of the image.
  std::vector<int64_t> sizes = y.sizes().vec();
  sizes.back() = conv.output_channels;
  check_shortcut(shortcut, sizes, {who, layers[0].first.w});
  return conv_norm_then(conv, batch_norm, y, mode,
                        {.addend = shortcut, .relu = true});
}

at::Tensor BottleNeckBlockV2::operator()(const at::Tensor& x,
                                         const BoolLike& is_training) const {
  const char* who = "BottleNeckBlockV2";
  const snt::detail::NormMode mode = {
      snt::detail::is_true(is_training, "is_training", who)};
  at::Tensor y = norm_then(bn_0, x, mode, {.relu = true});
  const at::Tensor shortcut = proj_conv ? (*proj_conv)(y) : x;
  y = conv_norm_then(conv_0, bn_1, y, mode, {.relu = true});
  y = conv_norm_then(conv_1, bn_2, y, mode, {.relu = true});
  y = conv_2(y);
  check_shortcut(shortcut, y.sizes(), {who, conv_0.w});
  return y + shortcut;
}

std::vector<detail::Block> detail::make_blocks(int64_t channels,
                                               int64_t num_blocks,
                                               const IntOrList& stride,
                                               const BatchNormConfig& config,
                                               bool resnet_v2) {
  const auto make = [&]<class T>(std::type_identity<T>, int64_t i) -> Block {
    return T{.channels = channels,
             .stride = i == 0 ? stride : IntOrList(1),
             .use_projection = i == 0,
             .bn_config = config,
             .name = "block_" + std::to_string(i)};
  };
  std::vector<Block> blocks;
  for (int64_t i = 0; i < num_blocks; ++i) {
    blocks.push_back(resnet_v2
                         ? make(std::type_identity<BottleNeckBlockV2>(), i)
                         : make(std::type_identity<BottleNeckBlockV1>(), i));
  }
  return blocks;
}

at::Tensor BlockGroup::operator()(const at::Tensor& x,
                                  const BoolLike& is_training) const {
  at::Tensor y = x;
  for (const detail::Block& block : blocks) {
    y = std::visit([&](const auto& b) { return b(y, is_training); }, block);
  }
  return y;
}

}  // namespace snt::nets::resnet

namespace snt {

using nets::resnet::BatchNormConfig;

Config ConfigTraits<BatchNormConfig>::to(const BatchNormConfig& value) {
  Config::Map map;
  if (value.decay_rate)
    map.emplace_back("decay_rate", Config{*value.decay_rate});
  if (value.eps) map.emplace_back("eps", Config{*value.eps});
  return {std::move(map)};
}

BatchNormConfig ConfigTraits<BatchNormConfig>::from(const Config& config,
                                                    const std::string& where) {
  if (config.get_if<Config::Map>() == nullptr) {
    detail::fail_config(config, where, "an object");
  }
  detail::check_keys(config, {"decay_rate", "eps"}, where);
  const auto number = [&](const char* key) -> std::optional<double> {
    const Config* value = config.find(key);
    if (value == nullptr) return std::nullopt;
    return from_config<double>(*value, where + "." + key);
  };
  return {.decay_rate = number("decay_rate"), .eps = number("eps")};
}

}  // namespace snt
