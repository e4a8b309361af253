#include "sonnet/recurrent/dropout.h"

#include <ATen/ATen.h>

#include "sonnet/core/errors.h"
#include "sonnet/layers/dropout.h"

namespace snt {
namespace {

constexpr const char* kDropoutWho = "RecurrentDropout";

[[noreturn]] void fail_rates_structure(const std::string& path,
                                       const Nest& state, const Nest& other) {
  throw ValueError(format("[", kDropoutWho,
                          "] rates or masks must have the structure "
                          "of the state: at '",
                          path, "' it has ", state.kind(), " and they have ",
                          other.kind()));
}

// The tree of f(leaf of state, leaf of other), or `nothing(leaf)` where other
// has none.
template <class F, class G>
Nest zip_with_state(const std::string& path, const Nest& state,
                    const Nest& other, const G& nothing, const F& f) {
  if (other.is_none()) return nothing(state);
  if (const auto* list = state.get_if<Nest::List>()) {
    const auto* others = other.get_if<Nest::List>();
    if (!others || others->size() != list->size()) {
      fail_rates_structure(path, state, other);
    }
    Nest::List result;
    for (size_t i = 0; i < list->size(); ++i) {
      result.push_back(
          zip_with_state(tree::detail::join(path, std::to_string(i)),
                         (*list)[i], (*others)[i], nothing, f));
    }
    return result;
  }
  if (const auto* dict = state.get_if<Nest::Dict>()) {
    const auto* others = other.get_if<Nest::Dict>();
    if (!others || others->size() != dict->size()) {
      fail_rates_structure(path, state, other);
    }
    Nest::Dict result;
    for (const auto& [key, entry] : *dict) {
      const Nest* match = nullptr;
      for (const auto& [name, value] : *others) {
        if (name == key) match = &value;
      }
      if (!match) fail_rates_structure(path, state, other);
      result.emplace_back(key, zip_with_state(tree::detail::join(path, key),
                                              entry, *match, nothing, f));
    }
    return result;
  }
  if (!state.get_if<at::Tensor>() || other.get_if<Nest::List>() ||
      other.get_if<Nest::Dict>()) {
    fail_rates_structure(path, state, other);
  }
  return f(path, state.tensor(), other);
}

double rate_of(const std::string& path, const Nest& rate) {
  const double value = rate.get_if<at::Tensor>()
                           ? rate.tensor().item<double>()
                           : from_nest<double>(rate, "RecurrentDropout.rates");
  check(value >= 0 && value < 1, kDropoutWho,
        "rates must be in the range [0, 1), got ", value,
        path.empty() ? "" : " at '" + path + "'");
  return value;
}

void check_rates(const std::string& path, const Nest& rates) {
  if (const auto* list = rates.get_if<Nest::List>()) {
    for (size_t i = 0; i < list->size(); ++i) {
      check_rates(tree::detail::join(path, std::to_string(i)), (*list)[i]);
    }
  } else if (const auto* dict = rates.get_if<Nest::Dict>()) {
    for (const auto& [key, entry] : *dict) {
      check_rates(tree::detail::join(path, key), entry);
    }
  } else if (!rates.is_none()) {
    rate_of(path, rates);
  }
}

}  // namespace

void RecurrentDropout::check() const { check_rates("", rates); }

std::pair<Nest, Nest> RecurrentDropout::step(const Nest& inputs,
                                             const Nest& prev_state) const {
  const auto* both = prev_state.get_if<Nest::List>();
  snt::check(both != nullptr && both->size() == 2, kDropoutWho,
             "the state must be a list of the core's state and the masks, got ",
             [&] { return prev_state.kind(); });
  const Nest& masks = (*both)[1];
  const Nest dropped = zip_with_state(
      "", (*both)[0], masks, [](const Nest& state) { return state; },
      [](const std::string&, const at::Tensor& state, const Nest& mask) {
        return Nest(state * mask.tensor());
      });
  auto [output, next] = base_core.step(inputs, dropped);
  return {std::move(output), Nest::List{std::move(next), masks}};
}

Nest RecurrentDropout::call(std::span<const Nest> args) const {
  snt::check<TypeError>(args.size() == 2, kDropoutWho,
                        "a core is called with inputs and a state, got ",
                        args.size(), " arguments");
  auto [output, next] = step(args[0], args[1]);
  return Nest::List{std::move(output), std::move(next)};
}

Nest RecurrentDropout::initial_state(int64_t batch_size,
                                     std::optional<at::Device> device) const {
  check();
  Nest state = base_core.initial_state(batch_size, device);
  Nest masks = zip_with_state(
      "", state, rates, [](const Nest&) { return Nest(); },
      [&](const std::string& path, const at::Tensor& leaf, const Nest& rate) {
        return Nest(
            dropout(at::ones_like(leaf), rate_of(path, rate), {}, seed));
      });
  return Nest::List{std::move(state), std::move(masks)};
}

LSTMWithRecurrentDropout lstm_with_recurrent_dropout(
    const LSTM& lstm, double dropout, std::optional<int64_t> seed) {
  check(dropout >= 0 && dropout < 1, "lstm_with_recurrent_dropout",
        "dropout must be in the range [0, 1), got ", dropout);
  const Core core = lstm;
  Nest::Dict rates;
  rates.emplace_back("hidden", dropout);
  rates.emplace_back("cell", Nest());
  return {.train_lstm = {.base_core = core,
                         .rates = std::move(rates),
                         .seed = seed,
                         .name = core.name() + "_recurrent_dropout"},
          .test_lstm = lstm};
}

LSTMWithRecurrentDropout lstm_with_recurrent_dropout(
    int64_t hidden_size, double dropout, std::optional<int64_t> seed) {
  return lstm_with_recurrent_dropout(LSTM{hidden_size}, dropout, seed);
}

}  // namespace snt
