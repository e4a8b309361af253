#include "sonnet/nets/cifar10_conv_net.h"

#include <algorithm>

#include "sonnet/core/errors.h"
#include "sonnet/layers/conv_then.h"
#include "sonnet/layers/data_format.h"
#include "sonnet/nets/pooling.h"

namespace snt::nets {

std::vector<Conv2D> detail::make_convs(
    const std::vector<int64_t>& output_channels,
    const std::vector<int64_t>& strides, const Initializer& w_init,
    const Initializer& b_init, const std::string& data_format) {
  // Lists of different lengths are refused later, by check().
  const size_t size = std::min(output_channels.size(), strides.size());
  std::vector<Conv2D> convs;
  for (size_t i = 0; i < size; ++i) {
    convs.push_back({.output_channels = output_channels[i],
                     .kernel_shape = {3, 3},
                     .stride = strides[i],
                     .w_init = w_init,
                     .b_init = b_init,
                     .data_format = data_format,
                     .name = "conv_2d_" + std::to_string(i)});
  }
  return convs;
}

std::vector<BatchNorm> detail::make_batch_norms(
    size_t number, const std::string& data_format) {
  std::vector<BatchNorm> norms;
  for (size_t i = 0; i < number; ++i) {
    norms.push_back({.create_scale = false,
                     .create_offset = true,
                     .data_format = data_format,
                     .name = "batch_norm_" + std::to_string(i)});
  }
  return norms;
}

Linear detail::make_logits_module(int64_t num_classes,
                                  const Initializer& w_init,
                                  const Initializer& b_init) {
  return {.output_size = num_classes,
          .w_init = w_init,
          .b_init = b_init,
          .name = "logits"};
}

void Cifar10ConvNet::check() const {
  snt::check(output_channels.size() == strides.size(), "Cifar10ConvNet",
             "The length of `output_channels` and `strides` must be equal.",
             " Got ", output_channels.size(), " and ", strides.size());
  utils::get_channel_index(data_format);
}

Cifar10ConvNetOutput Cifar10ConvNet::operator()(
    const at::Tensor& x, const BoolLike& is_training,
    const BoolLike& test_local_stats) const {
  if (!logits_module.w.is_built()) check();
  const char* who = "Cifar10ConvNet";
  const bool training = snt::detail::is_true(is_training, "is_training", who);
  const bool local =
      snt::detail::is_true(test_local_stats, "test_local_stats", who);

  std::vector<at::Tensor> outputs;
  at::Tensor y = x;
  for (size_t i = 0; i < conv_modules.size(); ++i) {
    y = snt::detail::conv_norm_then(conv_modules[i], bn_modules[i], y,
                                    {training, local}, {.relu = true});
    outputs.push_back(y);
  }
  y = detail::mean_pool(y, utils::is_channels_first(data_format) ? 2 : 1);
  outputs.push_back(y);
  return {.logits = logits_module(y), .activations = std::move(outputs)};
}

}  // namespace snt::nets
