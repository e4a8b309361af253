// File: recurrent/trainable_state.h
// A first state that is trained.

#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sonnet/core/clone.h"
#include "sonnet/core/nest.h"
#include "sonnet/core/once.h"
#include "sonnet/core/tree.h"
#include "sonnet/core/variable.h"
#include "sonnet/core/walk.h"

namespace snt {

// The variables of a TrainableState: one for each leaf of its initial values.
// Copies share them.
class StateVariables {
 public:
  static constexpr bool holds_variables = true;
  static constexpr bool is_module = false;

  // One leaf.
  struct Entry {
    std::string path;  // In the nest: "hidden", "1/a"; "" where it is no nest.
    Variable variable;
  };

  StateVariables() = default;
  // No move: a moved-from module stays valid.
  StateVariables(const StateVariables&) = default;
  StateVariables& operator=(const StateVariables&) = default;

  // The variables for these values, in the order of the leaves; made, still
  // empty, if this is the first time. `mask` says which are trained.
  const std::vector<Entry>& get(const Nest& initial_values,
                                const Nest& mask) const;

  // For walks and clones.
  void walk_(Walker& walker);
  StateVariables clone_(Cloner& cloner) const;

 private:
  struct State {
    Once once;
    std::vector<Entry> entries;
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

namespace detail {
// The values of a state without their batch dimension of size 1.
Nest without_batch(const Nest& state);
}  // namespace detail

// The first state of a core, as variables: a trained value for each entry of
// the state, repeated for each example of the batch.
//
//   initial_values  any nest of tensors [...] and numbers, without a batch
//   returns         the same nest of [batch_size, ...]
//
//     snt::LSTM core{16};
//     auto start = snt::TrainableState::for_core(core);
//     at::Tensor x = at::ones({7, 2, 4});
//     auto [y, state] = snt::dynamic_unroll(core, x, start(2));
//
//     snt::TrainableState other{snt::to_nest(
//         std::tuple(at::zeros({16}), at::ones({16})))};
//     auto [left, right] =
//         other.as<std::tuple<at::Tensor, at::Tensor>>(3);  // [3, 16] each
//
// The variables have shape [1, ...] and the paths template/hidden,
// template/cell, ..., or template where the state is no nest. `mask` is a nest
// of bools of the same structure; what is false there is not trained.
//
// Throws ValueError when mask and initial_values differ in structure. Source:
// sonnet/src/recurrent.py.
struct TrainableState {
  Nest initial_values;    // Values that the variables start with.
  Nest mask = {};         // Which are trained; unset: all.
  std::string name = {};  // Replaces the field's name in tables.

  StateVariables variables = {};  // Their paths start with `template`.

  // A state for a core, starting with what the core starts with.
  //
  // Throws ValueError for a core with a state without batch dimension.
  template <class C>
  static TrainableState for_core(const C& core, Nest mask = {},
                                 std::string name = {}) {
    return {detail::without_batch(to_nest(core.initial_state(1))),
            std::move(mask), std::move(name)};
  }

  // Throws ValueError or TypeError when mask does not fit initial_values.
  void check() const;

  // The state for a batch.
  //
  // Throws ValueError when batch_size < 0.
  Nest operator()(int64_t batch_size) const;
  // The same as a State, the type of a core's states.
  template <class State>
  State as(int64_t batch_size) const {
    return from_nest<State>((*this)(batch_size), "TrainableState");
  }

  // Names the variables as Sonnet does (`template` is a word of C++).
  template <class F>
  void visit_fields(F&& f) {
    variables.get(initial_values, mask);
    f("template", variables);
  }
};

}  // namespace snt
