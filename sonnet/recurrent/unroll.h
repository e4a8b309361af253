// File: recurrent/unroll.h
// A recurrent core over all steps of a sequence.

#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "sonnet/core/nest.h"
#include "sonnet/core/tree.h"
#include "sonnet/recurrent/core.h"

namespace snt {

namespace detail {

// The steps of a sequence, without the types of its nests.
class Unroll {
 public:
  // Checks the leaves of the input and the lengths; `who` is the function.
  Unroll(const char* who, const std::vector<at::Tensor>& input_sequence,
         const at::Tensor& sequence_length);

  int64_t num_steps() const { return num_steps_; }
  // The leaves of the input at step t.
  std::vector<at::Tensor> input(int64_t t);
  // [batch] integers, or undefined: all have num_steps().
  const at::Tensor& lengths() const { return lengths_; }
  // Whether some sequence has ended at step t.
  bool has_ended(int64_t t) const { return t >= shortest_; }
  // [batch]: which sequences go on at step t.
  at::Tensor goes_on(int64_t t) const { return lengths_.gt(t); }

  // Keeps the leaves of one step's output.
  void keep(std::vector<at::Tensor> output);
  // All that were kept, leaf by leaf, along a new first dimension.
  std::vector<at::Tensor> outputs() const;

 private:
  const char* who_;
  int64_t num_steps_ = 0;
  int64_t shortest_ = 0;
  at::Tensor lengths_;
  std::vector<at::Tensor> sequences_;            // By leaf.
  std::vector<std::vector<at::Tensor>> inputs_;  // By leaf, then by step.
  std::vector<std::vector<at::Tensor>> kept_;    // By step, then by leaf.
};

// The outputs of all steps [T, B, ...] as if each sequence had ended where it
// does: after that its last output is repeated, or zeros if it has none. Those
// of shape [T] go on, and so do all if there are no lengths.
at::Tensor hold_back(const at::Tensor& sequence_length,
                     const at::Tensor& outputs);

at::Tensor zeros_like(const at::Tensor& tensor);

// The state that a core is called with: its own kind where that is known.
template <class C, class State>
consteval auto state_kind() {
  if constexpr (CallsDynamically<C>) {
    return std::type_identity<Nest>();
  } else if constexpr (HasInitialState<C>) {
    return std::type_identity<InitialState<C>>();
  } else {
    return std::type_identity<State>();
  }
}

// A state in the kind of the core's: nests convert to it and from it.
template <class To, class From>
To convert_state(const From& state) {
  if constexpr (std::is_same_v<To, From>) {
    return state;
  } else if constexpr (std::is_same_v<To, Nest>) {
    return to_nest(state);
  } else {
    static_assert(std::is_same_v<From, Nest>,
                  "snt: this is the state of another core: start from "
                  "core.initial_state(batch_size).");
    if constexpr (std::is_same_v<From, Nest>) {
      return from_nest<To>(state, "initial_state");
    }
  }
}

// Sequence b ends before its step sequence_length[b]. Where one has ended, its
// output is that of the step before, or zeros, and its state stays.
template <class Output, class State>
void hold_back(const at::Tensor& goes_on, const Output* before, Output& output,
               const State& state_before, State& state) {
  output =
      tree::where(goes_on, output,
                  before ? *before : tree::map(detail::zeros_like, output));
  state = tree::where(goes_on, state, state_before);
}

template <class C, class Input, class Given>
auto unroll(const char* who, const C& core, const Input& input_sequence,
            const Given& initial_state, const at::Tensor& sequence_length) {
  static_assert(!IsUnrolled<C>,
                "snt: this module takes whole sequences: call it instead of "
                "unrolling it.");
  using State = typename decltype(state_kind<C, Given>())::type;
  static_assert(
      std::is_invocable_v<const C&, const Input&, const State&>,
      "snt: an unroll calls core(input, state): the core must take one step of "
      "this input and its own state.");
  if constexpr (std::is_invocable_v<const C&, const Input&, const State&>) {
    using Result = std::invoke_result_t<const C&, const Input&, const State&>;
    static_assert(IsPair<Result>,
                  "snt: a core must give a pair {output, next_state}.");
    using Output = std::decay_t<std::tuple_element_t<0, std::decay_t<Result>>>;
    using Next = std::decay_t<std::tuple_element_t<1, std::decay_t<Result>>>;
    static_assert(std::is_same_v<Next, State>,
                  "snt: the next state must be of the type of the state.");

    Unroll steps(who, tree::flatten(input_sequence), sequence_length);
    State state = convert_state<State>(initial_state);
    if constexpr (UnrollsItself<C, Input, State>) {
      if (auto all =
              unroll_at_once(core, input_sequence, state, steps.lengths())) {
        return std::pair<Output, State>(
            convert_state<Output>(std::get<0>(*all)),
            convert_state<State>(std::get<1>(*all)));
      }
    }

    std::optional<Output> output;
    for (int64_t t = 0; t < steps.num_steps(); ++t) {
      auto [next_output, next_state] =
          core(tree::unflatten(input_sequence, steps.input(t)),
               std::as_const(state));
      if (steps.has_ended(t)) {
        hold_back(steps.goes_on(t), output ? &*output : nullptr, next_output,
                  state, next_state);
      }
      steps.keep(tree::flatten(next_output));
      output = std::move(next_output);
      state = std::move(next_state);
    }
    return std::pair<Output, State>(tree::unflatten(*output, steps.outputs()),
                                    std::move(state));
  }
}

}  // namespace detail

// Calls a core on each step of a sequence, carrying the state through:
//
//   output[t], state[t + 1] = core(input[t], state[t])      t = 0 ... T - 1
//
//   input_sequence   any nest of [T, B, ...], T >= 1
//   initial_state    a state of the core
//   sequence_length  [B] integers, or undefined: all have T steps
//   returns          {any nest of [T, B, ...], the state behind the last step}
//
//     snt::LSTM core{16};
//     at::Tensor x = at::ones({7, 2, 4});
//     auto [y, state] = snt::static_unroll(core, x, core.initial_state(2));
//     // y: [7, 2, 16], state.hidden: [2, 16]
//
// Sequence b ends before its step sequence_length[b]. Where one has ended, its
// output repeats its last one (zeros if it has no steps) and its state is kept.
// Numbers without dimensions in outputs and states always go on. The core may
// be any function of (input, state).
//
// Throws ValueError when the tensors of input_sequence differ in their number
// of steps, for no steps, and when lengths do not fit; TypeError for lengths
// that are no integers. Source: sonnet/src/recurrent.py.
template <class C, class Input, class State>
auto static_unroll(const C& core, const Input& input_sequence,
                   const State& initial_state,
                   const at::Tensor& sequence_length = {}) {
  return detail::unroll("static_unroll", core, input_sequence, initial_state,
                        sequence_length);
}

// The same as static_unroll. (In TensorFlow it keeps the loop in the graph; in
// C++ both are the same loop.) `parallel_iterations` and `swap_memory` are
// hints of Sonnet's that change nothing here.
//
//     snt::Core core = snt::GRU{8};
//     at::Tensor x = at::ones({3, 2, 4});
//     auto [y, state] =
//         snt::dynamic_unroll(core, x, core.initial_state(2),
//                             /*sequence_length=*/at::tensor({3, 1}));
//     at::Tensor last = state.tensor();  // last: [2, 8]
//
// A core that can do a whole sequence faster than step by step may have a
// member `unroll_(input_sequence, state)`, which gives an optional pair of
// output and last state; std::nullopt means: step by step. Both functions ask
// it where there are no lengths, and one with a third parameter, the lengths
// [batch] or undefined, always.
//
// Throws what static_unroll throws.
template <class C, class Input, class State>
auto dynamic_unroll(const C& core, const Input& input_sequence,
                    const State& initial_state,
                    const at::Tensor& sequence_length = {},
                    [[maybe_unused]] int64_t parallel_iterations = 1,
                    [[maybe_unused]] bool swap_memory = false) {
  return detail::unroll("dynamic_unroll", core, input_sequence, initial_state,
                        sequence_length);
}

}  // namespace snt
