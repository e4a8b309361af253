#include "sonnet/recurrent/deep_rnn.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "sonnet/core/activation.h"
#include "sonnet/core/errors.h"
#include "sonnet/core/tree.h"
#include "sonnet/kernels/switches.h"
#include "sonnet/layers/linear.h"
#include "sonnet/recurrent/unroll.h"

namespace snt {
namespace {

constexpr const char* kSkip = "deep_rnn_with_skip_connections";
constexpr const char* kResidual = "deep_rnn_with_residual_connections";

// The trees' leaves, joined along the last dimension, without their first
// `leading`.
Nest join_last_dim(const char* who, const std::vector<Nest>& trees,
                   int64_t leading) {
  std::vector<std::vector<at::Tensor>> columns;
  for (const Nest& tree : trees) {
    tree::assert_same_structure(trees[0], tree);
    columns.push_back(tree::flatten(tree));
  }
  std::vector<at::Tensor> joined;
  for (size_t leaf = 0; leaf < columns[0].size(); ++leaf) {
    std::vector<at::Tensor> parts;
    for (const auto& column : columns) {
      check(column[leaf].dim() > leading, who,
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

// How layers are run: one step of them ...
struct OneStep {
  static constexpr int64_t leading = 0;  // Dimensions before the batch.

  std::optional<std::pair<Nest, Nest>> operator()(const Core& core,
                                                  const Nest& inputs,
                                                  const Nest& state) const {
    return core.step(inputs, state);
  }
  std::optional<Nest> operator()(const Layer& layer, const Nest& inputs) const {
    return layer.call(std::span<const Nest>(&inputs, 1));
  }
};

// ... or all steps of one, then all of the next. With lengths only what treats
// each sequence of the batch by itself: others could see what is behind the end
// of their neighbours.
struct AllSteps {
  static constexpr int64_t leading = 1;

  const at::Tensor& lengths;  // [B], or undefined.

  std::optional<std::pair<Nest, Nest>> operator()(const Core& core,
                                                  const Nest& inputs,
                                                  const Nest& state) const {
    if (lengths.defined()) return core.unroll_(inputs, state, lengths);
    return dynamic_unroll(core, inputs, state);
  }
  std::optional<Nest> operator()(const Layer& layer, const Nest& inputs) const {
    if (const auto* named = layer.get_if<NamedFunction>()) {
      return tree::map(*named, inputs);  // Of elements, or the last dimension.
    }
    if (layer.get_if<Linear>() != nullptr && detail::read_hook == nullptr) {
      return OneStep()(layer, inputs);  // Of the last dimension, too.
    }
    if (lengths.defined()) return std::nullopt;
    detail::Unroll steps("DeepRNN", tree::flatten(inputs), {});
    Nest output;
    for (int64_t t = 0; t < steps.num_steps(); ++t) {
      output = *OneStep()(layer, tree::unflatten(inputs, steps.input(t)));
      steps.keep(tree::flatten(output));
    }
    return tree::unflatten(output, steps.outputs());
  }
};

// Whether all steps may be run layer by layer.
bool takes_all_steps(const std::vector<RNNLayer>& layers,
                     const Nest& input_sequence) {
  if (!kernels::switches().recurrent_sequences || count_cores(layers) == 0) {
    return false;
  }
  const std::vector<at::Tensor> leaves = tree::flatten(input_sequence);
  return !leaves.empty() &&
         std::all_of(leaves.begin(), leaves.end(),
                     [](const at::Tensor& leaf) { return leaf.dim() >= 2; });
}

// All layers, one after the other; each output is shown to `after`, which may
// change what the next layer sees. Nothing if a layer cannot be run like that.
template <class How, class After>
std::optional<std::pair<Nest, Nest>> run_layers(
    const char* who, const std::vector<RNNLayer>& layers, const How& how,
    const Nest& inputs, const Nest& prev_state, const After& after) {
  const Nest::List states = state_entries(who, prev_state, count_cores(layers));
  Nest::List next_states;
  Nest current = inputs;
  for (size_t i = 0; i < layers.size(); ++i) {
    if (const Core* core = layers[i].core()) {
      auto result = how(*core, current, states[next_states.size()]);
      if (!result) return std::nullopt;
      current = std::move(result->first);
      next_states.push_back(std::move(result->second));
    } else {
      auto result = how(*layers[i].layer(), current);
      if (!result) return std::nullopt;
      current = std::move(*result);
    }
    after(i, current);
  }
  return std::pair(std::move(current), Nest(std::move(next_states)));
}

// Those of a LegacyDeepRNN.
template <class How>
std::optional<std::pair<Nest, Nest>> run_legacy(const LegacyDeepRNN& rnn,
                                                const How& how,
                                                const Nest& inputs,
                                                const Nest& prev_state) {
  if (!rnn.skip_connections) {
    return run_layers("DeepRNN", rnn.layers, how, inputs, prev_state,
                      [](size_t, Nest&) {});
  }
  std::vector<Nest> outputs;
  auto result = run_layers(
      kSkip, rnn.layers, how, inputs, prev_state, [&](size_t i, Nest& output) {
        outputs.push_back(output);
        if (i + 1 < rnn.layers.size()) {
          output = join_last_dim(kSkip, {inputs, output}, How::leading);
        }
      });
  if (!result || !rnn.concat_final_output_if_skip) return result;
  check(!outputs.empty(), kSkip, "there are no layers to join the outputs of");
  result->first = join_last_dim(kSkip, outputs, How::leading);
  return result;
}

// Holds back outputs of layers that know nothing of lengths.
void hold_back_others(const std::vector<RNNLayer>& layers,
                      const at::Tensor& lengths,
                      std::optional<std::pair<Nest, Nest>>& result) {
  if (!result || count_cores(layers) == layers.size()) return;
  result->first = tree::map(
      [&](const at::Tensor& y) { return detail::hold_back(lengths, y); },
      result->first);
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
  return *run_layers("DeepRNN", layers, OneStep(), inputs, prev_state,
                     [](size_t, Nest&) {});
}

std::optional<std::pair<Nest, Nest>> DeepRNN::unroll_all(
    const Nest& input_sequence, const Nest& initial_state,
    const at::Tensor& sequence_length) const {
  if (!takes_all_steps(layers, input_sequence)) return std::nullopt;
  auto result = run_layers("DeepRNN", layers, AllSteps{sequence_length},
                           input_sequence, initial_state, [](size_t, Nest&) {});
  hold_back_others(layers, sequence_length, result);
  return result;
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
  return *run_legacy(*this, OneStep(), inputs, prev_state);
}

std::optional<std::pair<Nest, Nest>> LegacyDeepRNN::unroll_all(
    const Nest& input_sequence, const Nest& initial_state,
    const at::Tensor& sequence_length) const {
  if (!takes_all_steps(layers, input_sequence)) return std::nullopt;
  auto result = run_legacy(*this, AllSteps{sequence_length}, input_sequence,
                           initial_state);
  hold_back_others(layers, sequence_length, result);
  return result;
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

std::optional<std::pair<Nest, Nest>> ResidualWrapper::unroll_all(
    const Nest& input_sequence, const Nest& initial_state,
    const at::Tensor& sequence_length) const {
  auto all = base_core.unroll_(input_sequence, initial_state, sequence_length);
  if (!all) return std::nullopt;
  // Step by step where numbers are spread over other dimensions.
  const std::vector<at::Tensor> inputs = tree::flatten(input_sequence);
  const std::vector<at::Tensor> outputs = tree::flatten(all->first);
  const bool fits =
      std::equal(inputs.begin(), inputs.end(), outputs.begin(), outputs.end(),
                 [](const at::Tensor& x, const at::Tensor& y) {
                   return x.sizes() == y.sizes();
                 });
  if (!fits) return std::nullopt;
  const auto add = [&](const at::Tensor& x, const at::Tensor& y) {
    return detail::hold_back(sequence_length, x + y);
  };
  return std::pair(tree::map(add, input_sequence, all->first),
                   std::move(all->second));
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
