#include <ATen/ATen.h>

#include <algorithm>

#include "sonnet/conformance/class_table.h"
#include "sonnet/core/errors.h"
#include "sonnet/nets/dnc/control.h"
#include "sonnet/nets/dnc/read.h"
#include "sonnet/nets/dnc/util.h"
#include "sonnet/nets/dnc/write.h"
#include "sonnet/recurrent/deep_rnn.h"
#include "sonnet/recurrent/dropout.h"
#include "sonnet/recurrent/gru.h"
#include "sonnet/recurrent/trainable_state.h"
#include "sonnet/recurrent/unroll.h"

namespace snt::conformance {
namespace {

namespace dnc = nets::dnc;

// What a NestedCore takes.
struct NestedInput {
  at::Tensor first;   // [batch, ...]
  at::Tensor second;  // [batch, ...]
};

// Its state.
struct NestedState {
  at::Tensor hidden;  // [batch, hidden_size]
  at::Tensor steps;   // Without dimensions.
};

// What it gives.
struct NestedOutput {
  at::Tensor sum;
  std::tuple<at::Tensor> scaled;
};

// A core of the goldens that is not Sonnet's: nests of every kind.
struct NestedCore {
  Required<int64_t> hidden_size;
  std::string name = {};

  GRU gru = GRU{1};
  Linear mix = Linear{1};

  std::pair<NestedOutput, NestedState> operator()(
      const NestedInput& inputs, const NestedState& state) const {
    const at::Tensor m = mix(inputs.second);
    const at::Tensor h =
        gru(at::cat({inputs.first, m}, -1), state.hidden).first;
    const at::Tensor s = state.steps + 1;
    return {{h + m, {h * s}}, {h, s}};
  }
  NestedState initial_state(int64_t batch_size) const {
    return {at::zeros({batch_size, hidden_size}), at::zeros({})};
  }
};

ClassRow nested_core() {
  RowOf<NestedCore> row =
      module<NestedCore>("NestedCore")
          .call("inputs, prev_state")
          .method("initial_state", &NestedCore::initial_state, "batch_size");
  row.make = [](const Config& options, std::optional<int64_t>) {
    NestedCore core = from_config<NestedCore>(options, "NestedCore");
    core.gru = GRU{core.hidden_size};
    core.mix = Linear{core.hidden_size};
    return Subject(core, "NestedCore");
  };
  return row;
}

// A row of a core of this folder.
template <class T>
RowOf<T> composed(const std::string& name) {
  return module<T>(name)
      .call("inputs, prev_state")
      .method(
          "initial_state",
          [](const T& m, int64_t batch_size) {
            return m.initial_state(batch_size);
          },
          "batch_size");
}

// A row for a function that makes a module.
ClassRow maker(
    const std::string& name,
    std::function<Subject(const Config&, std::optional<int64_t>)> make) {
  ClassRow row;
  row.name = name;
  row.make = std::move(make);
  return row;
}

// For one that gives a LegacyDeepRNN and that the cores' registry knows.
ClassRow deep_rnn_maker(const std::string& name) {
  return maker(name, [name](const Config& options, std::optional<int64_t>) {
    const Config config{
        Config::Map{{"class", Config{name}}, {"config", options}}};
    const Core core = registry<Core>().make(config, name);
    return Subject(*core.get_if<LegacyDeepRNN>());
  });
}

// `config` without some keys.
Config without(const Config& config, const std::vector<std::string>& keys) {
  Config::Map rest;
  for (const auto& [key, value] : *config.get_if<Config::Map>()) {
    if (std::find(keys.begin(), keys.end(), key) == keys.end()) {
      rest.emplace_back(key, value);
    }
  }
  return {std::move(rest)};
}

// An option, or its default.
template <class T>
T option(const Config& config, const std::string& key, T fallback) {
  const Config* value = config.find(key);
  return value ? from_config<T>(*value, key) : std::move(fallback);
}

Subject make_recurrent_dropout(const Config& config,
                               std::optional<int64_t> select) {
  const std::string name = "lstm_with_recurrent_dropout";
  const auto [train, test] = lstm_with_recurrent_dropout(
      from_config<LSTM>(without(config, {"dropout", "seed"}), name),
      option(config, "dropout", 0.5),
      option<std::optional<int64_t>>(config, "seed", std::nullopt));
  return select.value_or(0) == 0 ? Subject(train) : Subject(test);
}

Subject make_for_core(const Config& config, std::optional<int64_t>) {
  const Config* core = config.find("core");
  check(core != nullptr, "TrainableState.for_core",
        "option 'core' is required");
  return Subject(TrainableState::for_core(
      from_config<Core>(*core, "core"), option(config, "mask", Nest()),
      option(config, "name", std::string())));
}

Subject make_deep_core(const Config& config, std::optional<int64_t>) {
  const Config* options = config.find("control_config");
  check(options != nullptr, "deep_core", "option 'control_config' is required");
  const Core core = dnc::control::deep_core(
      option(config, "control_name", std::string()), to_json(*options),
      option<int64_t>(config, "num_layers", 1),
      option(config, "skip_connections", true),
      option(config, "name", std::string()));
  if (const auto* deep = core.get_if<DeepRNN>()) return Subject(*deep);
  return Subject(*core.get_if<LegacyDeepRNN>());
}

// An unroll of a core that comes as the subject.
template <class F>
FunctionRow unroll_function(const std::string& name, Signature parameters,
                            F unroll) {
  return {
      name, std::move(parameters),
      [unroll, name](const Subject* subject, std::span<const Nest> args) {
        const std::optional<Core> core =
            subject ? subject->core() : std::nullopt;
        check<TypeError>(core.has_value(), name, "needs a core");
        at::Tensor lengths = from_nest<at::Tensor>(
            args[2].get_if<int64_t>()
                ? Nest(at::scalar_tensor(*args[2].get_if<int64_t>(), at::kLong))
                : args[2],
            "sequence_length");
        return to_nest(unroll(*core, args[0], args[1], lengths));
      }};
}

// [2, 5] and the states of an LSTM of 4 and a GRU of 3.
std::vector<Nest> lstm_and_gru(at::ScalarType dtype) {
  const LSTMState lstm{at::randn({2, 4}).to(dtype),
                       at::randn({2, 4}).to(dtype)};
  return {at::randn({2, 5}).to(dtype),
          Nest::List{to_nest(lstm), at::randn({2, 3}).to(dtype)}};
}

void add_functions(ClassTable& table) {
  table.add(unroll_function(
      "static_unroll", "input_sequence, initial_state, sequence_length=None",
      [](const Core& core, const Nest& x, const Nest& state,
         const at::Tensor& lengths) {
        return static_unroll(core, x, state, lengths);
      }));
  table.add(
      unroll_function("dynamic_unroll",
                      "input_sequence, initial_state, sequence_length=None, "
                      "parallel_iterations=1, swap_memory=False",
                      [](const Core& core, const Nest& x, const Nest& state,
                         const at::Tensor& lengths) {
                        return dynamic_unroll(core, x, state, lengths);
                      }));
  table.add(function(
      "nets.dnc.read.read",
      "memory, weights, squash_op='tanh', squash_before_access=True, "
      "squash_after_access=False",
      [](const at::Tensor& memory, const at::Tensor& weights,
         const std::string& squash_op, bool before, bool after) {
        const Activation squash =
            registry<Activation>().make(Config{squash_op}, "squash_op");
        return dnc::read::read(memory, weights, squash, before, after);
      }));
  table.add(function("nets.dnc.write.additive_write", "memory, address, values",
                     &dnc::write::additive_write));
  table.add(function("nets.dnc.write.erase", "memory, address, reset_weights",
                     &dnc::write::erase));
  table.add(function("nets.dnc.write.erase_rows",
                     "memory, address, reset_row_weights",
                     &dnc::write::erase_rows));
  table.add(function("nets.dnc.write.erase_and_write",
                     "memory, address, reset_weights, values",
                     &dnc::write::erase_and_write));
  table.add(function("nets.dnc.util.segment_dim", "inputs, dim, shapes",
                     &dnc::util::segment_dim));
  table.add(function("nets.dnc.util.batch_invert_permutation", "permutations",
                     &dnc::util::batch_invert_permutation));
  table.add(function("nets.dnc.util.batch_gather", "values, indices",
                     &dnc::util::batch_gather));
  table.add(
      function("nets.dnc.util.one_hot", "length, index", &dnc::util::one_hot));
}

}  // namespace

void add_unroll_rows(ClassTable& table) {
  table.add(abstract<Core>("RNNCore"));
  table.add(abstract<UnrolledRNN>("UnrolledRNN"));
  table.add(nested_core());
  table.add(deep_rnn_maker("deep_rnn_with_skip_connections"));
  table.add(deep_rnn_maker("deep_rnn_with_residual_connections"));
  table.add(maker("lstm_with_recurrent_dropout", make_recurrent_dropout));
  table.add(maker("TrainableState.for_core", make_for_core));
  table.add(maker("nets.dnc.control.deep_core", make_deep_core));
  table.add(composed<DeepRNN>("DeepRNN").example(
      R"({"layers": [
          {"class": "Linear", "config": {"output_size": 6}}, "tanh",
          {"class": "LSTM",
           "config": {"hidden_size": 4, "dtype": "float32"}},
          {"class": "GRU",
           "config": {"hidden_size": 3, "dtype": "float32"}}]})",
      lstm_and_gru));
  table.add(composed<LegacyDeepRNN>("_LegacyDeepRNN")
                .example(R"({"skip_connections": true, "layers": [
                    {"class": "LSTM",
                     "config": {"hidden_size": 4, "dtype": "float32"}},
                    {"class": "GRU",
                     "config": {"hidden_size": 3, "dtype": "float32"}}]})",
                         lstm_and_gru));
  table.add(composed<ResidualWrapper>("_ResidualWrapper")
                .example(R"({"base_core": {"class": "GRU", "config":
                    {"hidden_size": 3, "dtype": "float32"}}})",
                         [](at::ScalarType dtype) {
                           return std::vector<Nest>{
                               at::randn({2, 3}).to(dtype),
                               at::randn({2, 3}).to(dtype)};
                         }));
  table.add(
      composed<RecurrentDropout>("_RecurrentDropoutWrapper")
          .example(
              R"({"base_core": {"class": "LSTM", "config":
                        {"hidden_size": 4, "dtype": "float32"}},
                       "rates": {"hidden": 0.5, "cell": null}})",
              [](at::ScalarType dtype) {
                const std::vector<Nest> args = lstm_and_gru(dtype);
                const at::Tensor mask = 2 * at::rand({2, 4}).round().to(dtype);
                return std::vector<Nest>{
                    args[0],
                    Nest::List{args[1].at(0),
                               Nest::Dict{{"hidden", mask}, {"cell", Nest()}}}};
              }));
  table.add(
      module<TrainableState>("TrainableState")
          .call("batch_size")
          .creates([](const TrainableState& state) { state(1); })
          .example(R"({"initial_values": [1.5, {"a":
                    {"tensor": [0.5, 2.5], "dtype": "float32"}}],
                    "mask": [true, {"a": false}]})",
                   [](at::ScalarType) { return std::vector<Nest>{Nest(3)}; }));
  table.add(composed<dnc::control::FeedForward>("nets.dnc.control.FeedForward")
                .example(R"({"hidden_size": 4})", [](at::ScalarType dtype) {
                  return std::vector<Nest>{at::randn({2, 5}).to(dtype),
                                           at::randn({2, 1}).to(dtype)};
                }));
  add_functions(table);
}

}  // namespace snt::conformance
