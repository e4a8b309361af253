#include "sonnet/recurrent/deep_rnn.h"

#include <ATen/ATen.h>

#include "sonnet/core/errors.h"
#include "sonnet/core/tree.h"

namespace snt {
namespace {

// The trees' leaves, joined along the last dimension.
Nest join_last_dim(const char* who, const std::vector<Nest>& trees) {
  std::vector<std::vector<at::Tensor>> columns;
  for (const Nest& tree : trees) {
    tree::assert_same_structure(trees[0], tree);
    columns.push_back(tree::flatten(tree));
  }
  std::vector<at::Tensor> joined;
  for (size_t leaf = 0; leaf < columns[0].size(); ++leaf) {
    std::vector<at::Tensor> parts;
    for (const auto& column : columns) {
      check(column[leaf].dim() >= 1, who,
            "skip connections need tensors of rank >= 1");
      parts.push_back(column[leaf]);
    }
    joined.push_back(at::cat(parts, -1));
  }
  return tree::unflatten(trees[0], joined);
}

size_t count_cores(const std::vector<RNNLayer>& layers) {
  size_t count = 0;
  for (const RNNLayer& layer : layers) count += layer.core() != nullptr;
  return count;
}

// The entries of the state. (Without cores any state will do.)
Nest::List state_entries(const char* who, const Nest& state, size_t num_cores) {
  if (num_cores == 0) return {};
  const auto* list = state.get_if<Nest::List>();
  check(list != nullptr && list->size() == num_cores, who,
        "the state must be a list with one entry for each of the ", num_cores,
        " cores, got ", [&] { return state.kind(); });
  return *list;
}

// All layers, one after the other; each output is shown to `after`, which may
// change what the next layer sees.
template <class After>
std::pair<Nest, Nest> run_layers(const char* who,
                                 const std::vector<RNNLayer>& layers,
                                 const Nest& inputs, const Nest& prev_state,
                                 const After& after) {
  const Nest::List states = state_entries(who, prev_state, count_cores(layers));
  Nest::List next_states;
  Nest current = inputs;
  for (size_t i = 0; i < layers.size(); ++i) {
    if (const Core* core = layers[i].core()) {
      auto [output, next] = core->step(current, states[next_states.size()]);
      current = std::move(output);
      next_states.push_back(std::move(next));
    } else {
      current = layers[i].layer()->call(std::span<const Nest>(&current, 1));
    }
    after(i, current);
  }
  return {std::move(current), Nest(std::move(next_states))};
}

Nest initial_states(const std::vector<RNNLayer>& layers, int64_t batch_size,
                    std::optional<at::Device> device) {
  Nest::List states;
  for (const RNNLayer& layer : layers) {
    if (const Core* core = layer.core()) {
      states.push_back(core->initial_state(batch_size, device));
    }
  }
  return states;
}

// {inputs, prev_state} -> [output, next_state].
template <class C>
Nest call_core(const C& core, const char* who, std::span<const Nest> args) {
  check<TypeError>(args.size() == 2, who,
                   "a core is called with inputs and a state, got ",
                   args.size(), " arguments");
  auto [output, next] = core.step(args[0], args[1]);
  return Nest::List{std::move(output), std::move(next)};
}

std::vector<Core> cores_of(const char* who,
                           const std::vector<RNNLayer>& layers) {
  std::vector<Core> cores;
  for (const RNNLayer& layer : layers) {
    check(layer.core() != nullptr, who, who,
          " requires all layers to be instances of RNNCore, got ",
          [&] { return to_repr(layer.config()); });
    cores.push_back(*layer.core());
  }
  return cores;
}

constexpr const char* kSkip = "deep_rnn_with_skip_connections";
constexpr const char* kResidual = "deep_rnn_with_residual_connections";

struct SkipArguments {
  Required<std::vector<RNNLayer>> layers;
  bool concat_final_output = true;
  std::string name = kSkip;
};
struct ResidualArguments {
  Required<std::vector<RNNLayer>> layers;
  std::string name = kResidual;
};

}  // namespace

std::pair<Nest, Nest> DeepRNN::step(const Nest& inputs,
                                    const Nest& prev_state) const {
  return run_layers("DeepRNN", layers, inputs, prev_state,
                    [](size_t, Nest&) {});
}

Nest DeepRNN::call(std::span<const Nest> args) const {
  return call_core(*this, "DeepRNN", args);
}

Nest DeepRNN::initial_state(int64_t batch_size,
                            std::optional<at::Device> device) const {
  return initial_states(layers, batch_size, device);
}

std::vector<Config::Option> DeepRNN::options_config() const {
  std::vector<Config::Option> options;
  options.push_back({"layers", to_config(layers), false});
  if (!name.empty()) options.push_back({"name", to_config(name), false});
  return options;
}

std::pair<Nest, Nest> LegacyDeepRNN::step(const Nest& inputs,
                                          const Nest& prev_state) const {
  if (!skip_connections) {
    return run_layers("DeepRNN", layers, inputs, prev_state,
                      [](size_t, Nest&) {});
  }
  std::vector<Nest> outputs;
  auto [last, next] = run_layers(
      kSkip, layers, inputs, prev_state, [&](size_t i, Nest& output) {
        outputs.push_back(output);
        if (i + 1 < layers.size())
          output = join_last_dim(kSkip, {inputs, output});
      });
  if (!concat_final_output_if_skip) return {std::move(last), std::move(next)};
  check(!outputs.empty(), kSkip, "there are no layers to join the outputs of");
  return {join_last_dim(kSkip, outputs), std::move(next)};
}

Nest LegacyDeepRNN::call(std::span<const Nest> args) const {
  return call_core(*this, "DeepRNN", args);
}

Nest LegacyDeepRNN::initial_state(int64_t batch_size,
                                  std::optional<at::Device> device) const {
  return initial_states(layers, batch_size, device);
}

std::pair<Nest, Nest> ResidualWrapper::step(const Nest& inputs,
                                            const Nest& prev_state) const {
  auto [output, next] = base_core.step(inputs, prev_state);
  const auto add = [&](const at::Tensor& x, const at::Tensor& y) {
    const bool fits = at::is_expandable_to(x.sizes(), y.sizes()) ||
                      at::is_expandable_to(y.sizes(), x.sizes());
    check(
        fits, "ResidualWrapper", "the output of ",
        [&] { return base_core.class_name(); },
        " must have the shape of its input ", x.sizes(), ", got ", y.sizes());
    return x + y;
  };
  return {tree::map(add, inputs, output), std::move(next)};
}

Nest ResidualWrapper::call(std::span<const Nest> args) const {
  return call_core(*this, "ResidualWrapper", args);
}

Nest ResidualWrapper::initial_state(int64_t batch_size,
                                    std::optional<at::Device> device) const {
  return base_core.initial_state(batch_size, device);
}

LegacyDeepRNN deep_rnn_with_skip_connections(const std::vector<Core>& layers,
                                             bool concat_final_output,
                                             const std::string& name) {
  check(!concat_final_output || !layers.empty(), kSkip,
        "there are no layers to join the outputs of");
  return {.layers = {layers.begin(), layers.end()},
          .skip_connections = true,
          .concat_final_output_if_skip = concat_final_output,
          .name = name};
}

LegacyDeepRNN deep_rnn_with_residual_connections(
    const std::vector<Core>& layers, const std::string& name) {
  std::vector<RNNLayer> wrapped;
  for (const Core& core : layers) {
    wrapped.push_back(ResidualWrapper{core, core.name() + "_residual"});
  }
  return {
      .layers = std::move(wrapped), .skip_connections = false, .name = name};
}

namespace detail {

Core skip_connections_from_config(const Config& config,
                                  const std::string& where) {
  const auto arguments = from_config<SkipArguments>(config, where);
  return deep_rnn_with_skip_connections(cores_of(kSkip, arguments.layers),
                                        arguments.concat_final_output,
                                        arguments.name);
}

Core residual_connections_from_config(const Config& config,
                                      const std::string& where) {
  const auto arguments = from_config<ResidualArguments>(config, where);
  return deep_rnn_with_residual_connections(
      cores_of(kResidual, arguments.layers), arguments.name);
}

}  // namespace detail
}  // namespace snt
