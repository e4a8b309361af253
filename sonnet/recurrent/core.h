// File: recurrent/core.h
// Any recurrent core behind one type.

#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "sonnet/core/clone.h"
#include "sonnet/core/nest.h"
#include "sonnet/core/registry.h"
#include "sonnet/recurrent/recurrence.h"

namespace snt {

namespace detail {

// What f(input, state) gives, as a type, where a tensor gives a tensor.
template <class Input>
using SameKind =
    std::conditional_t<std::is_same_v<Input, at::Tensor>, at::Tensor, Nest>;

}  // namespace detail

// Any recurrent core, held by value: what DeepRNN and RecurrentDropout are made
// of. Copies of a Core share it; snt::clone copies it deeply.
//
//     snt::Core core = snt::LSTM{16};
//     auto [y, state] = core(at::ones({2, 4}), core.initial_state(2));
//     at::Tensor cell = state.at("cell").tensor();  // cell: [2, 16]
//
// States are nests: an LSTMState is a dictionary of hidden and cell. Typed
// states may be given, too.
class Core : public detail::Recurrence {
 public:
  // Holds a copy of `core`.
  template <class C>
  requires(!std::is_same_v<std::decay_t<C>, Core> &&
           (detail::HasStep<std::decay_t<C>> ||
            detail::HasInitialState<std::decay_t<C>>))
      Core(C&& core)  // NOLINT: implicit, so that cores are simply listed.
      : Recurrence(hold<std::decay_t<C>>(std::forward<C>(core))) {}
  Core(const Core&) = default;
  Core& operator=(const Core&) = default;

  // {output, next_state}. A tensor gives a tensor, another nest a Nest.
  //
  // Throws TypeError when input or state do not fit the core, and when a tensor
  // gives something else (give it as a snt::Nest then).
  template <class Input, class State>
  std::pair<detail::SameKind<Input>, Nest> operator()(
      const Input& input, const State& state) const {
    auto [output, next] = step(to_nest(input), to_nest(state));
    return {from_nest<detail::SameKind<Input>>(output, "output"),
            std::move(next)};
  }

  // The whole sequence at once where the core knows how: see recurrent/
  // unroll.h.
  template <class Input, class State>
  std::optional<std::pair<Nest, Nest>> unroll_(
      const Input& input_sequence, const State& initial_state,
      const at::Tensor& sequence_length = {}) const {
    return held_->unroll(to_nest(input_sequence), to_nest(initial_state),
                         sequence_length);
  }

  // For clones.
  Core clone_(Cloner& cloner) const { return Core(clone_held(cloner)); }

 private:
  explicit Core(std::shared_ptr<Base> held) : Recurrence(std::move(held)) {}
  template <class C>
  static std::shared_ptr<Base> hold(C core) {
    static_assert(!detail::IsUnrolled<C>,
                  "snt: this module takes whole sequences: hold it in a "
                  "snt::UnrolledRNN, and use no unroll.");
    static_assert(RecurrentCore<C>,
                  "snt: a recurrent core needs `core(input, state)`, which "
                  "gives a pair {output, next_state}, and "
                  "`core.initial_state(batch_size)`, which gives the state.");
    if constexpr (RecurrentCore<C>) {
      return std::make_shared<Of<C>>(std::move(core));
    } else {
      return nullptr;
    }
  }
};

// Sonnet's name for it.
using RNNCore = Core;

// Any module for whole sequences, held by value: UnrolledLSTM.
//
//     snt::UnrolledRNN rnn = snt::UnrolledLSTM{16};
//     auto [y, state] = rnn(at::ones({7, 2, 4}), rnn.initial_state(2));
//     // y: [7, 2, 16]
class UnrolledRNN : public detail::Recurrence {
 public:
  static constexpr bool is_unrolled = true;  // What tells it from a core.

  // Holds a copy of `module`.
  template <class C>
  requires(!std::is_same_v<std::decay_t<C>, UnrolledRNN> &&
           (detail::HasStep<std::decay_t<C>> ||
            detail::HasInitialState<std::decay_t<C>>))
      UnrolledRNN(C&& module)  // NOLINT: implicit, as Core.
      : Recurrence(hold<std::decay_t<C>>(std::forward<C>(module))) {}
  UnrolledRNN(const UnrolledRNN&) = default;
  UnrolledRNN& operator=(const UnrolledRNN&) = default;

  // {output_sequence, final_state} of [time, batch, ...].
  //
  // Throws TypeError when the arguments do not fit the module.
  template <class Input, class State>
  std::pair<detail::SameKind<Input>, Nest> operator()(
      const Input& input_sequence, const State& initial_state) const {
    auto [output, final_state] =
        step(to_nest(input_sequence), to_nest(initial_state));
    return {from_nest<detail::SameKind<Input>>(output, "output"),
            std::move(final_state)};
  }

  // For clones.
  UnrolledRNN clone_(Cloner& cloner) const {
    return UnrolledRNN(clone_held(cloner));
  }

 private:
  explicit UnrolledRNN(std::shared_ptr<Base> held)
      : Recurrence(std::move(held)) {}
  template <class C>
  static std::shared_ptr<Base> hold(C module) {
    static_assert(UnrolledCore<C>,
                  "snt: a module for whole sequences needs `static constexpr "
                  "bool is_unrolled = true`, `module(sequence, state)` and "
                  "`module.initial_state(batch_size)`; to run a core over a "
                  "sequence use snt::dynamic_unroll.");
    if constexpr (UnrolledCore<C>) {
      return std::make_shared<Of<C>>(std::move(module));
    } else {
      return nullptr;
    }
  }
};

// A core or whole-sequence module of a registered class from the JSON of its
// options.
//
//     snt::Core lstm = snt::make_core("LSTM", R"({"hidden_size": 8})");
//
// Throws ValueError for an unknown class or bad options, listing the known.
Core make_core(std::string_view class_name, std::string_view json = "{}");

// A Core in a Config: null is not allowed.
template <>
struct ConfigTraits<Core> {
  static Config to(const Core& value) { return value.config(); }
  static Core from(const Config& config, const std::string& where) {
    return registry<Core>().make(config, where);
  }
};

// The same for an UnrolledRNN.
template <>
struct ConfigTraits<UnrolledRNN> {
  static Config to(const UnrolledRNN& value) { return value.config(); }
  static UnrolledRNN from(const Config& config, const std::string& where) {
    return registry<UnrolledRNN>().make(config, where);
  }
};

}  // namespace snt
