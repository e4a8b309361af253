#include "sonnet/nets/dnc/control.h"

#include <ATen/ATen.h>

#include <vector>

#include "sonnet/core/errors.h"
#include "sonnet/recurrent/deep_rnn.h"

namespace snt::nets::dnc::control {

Linear detail::make_linear(int64_t output_size) { return {output_size}; }

std::pair<at::Tensor, at::Tensor> FeedForward::operator()(
    const at::Tensor& inputs, const at::Tensor& prev_state) const {
  const at::Tensor y = linear(inputs);
  return {activation ? activation(y) : y, prev_state};
}

at::Tensor FeedForward::initial_state(int64_t batch_size,
                                      std::optional<at::Device> device) const {
  check(batch_size >= 0, "FeedForward", "batch_size must be >= 0, got ",
        batch_size);
  const at::Device here = linear.w.is_built() ? linear.w.device() : at::kCPU;
  return at::zeros({batch_size, 1},
                   at::TensorOptions(dtype).device(device.value_or(here)));
}

Core deep_core(std::string_view control_name, std::string_view control_config,
               int64_t num_layers, bool skip_connections,
               const std::string& name) {
  const std::string class_name = control_name == "FeedForward"
                                     ? "nets.dnc.control.FeedForward"
                                     : std::string(control_name);
  const Config given = parse_json(control_config);
  const auto* options = given.get_if<Config::Map>();
  check(options != nullptr, "deep_core", "control_config must be an object");
  std::vector<Core> cores;
  for (int64_t i = 0; i < num_layers; ++i) {
    Config::Map map = *options;
    map.emplace_back("name", Config{format(control_name, "_", i)});
    const Config config{Config::Map{{"class", Config{class_name}},
                                    {"config", Config{std::move(map)}}}};
    cores.push_back(registry<Core>().make(config, "deep_core"));
  }
  if (skip_connections) {
    return deep_rnn_with_skip_connections(cores, /*concat_final_output=*/true,
                                          name);
  }
  return DeepRNN{{cores.begin(), cores.end()}, name};
}

}  // namespace snt::nets::dnc::control
