// File: recurrent/recurrence.h
// What a recurrent core is, and what holds one of any type.

#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include "sonnet/core/clone.h"
#include "sonnet/core/dynamic_call.h"
#include "sonnet/core/nest.h"
#include "sonnet/core/options.h"
#include "sonnet/core/tree.h"
#include "sonnet/core/walk.h"

namespace snt {

namespace detail {

template <class C>
concept HasInitialState = requires(const C& core, int64_t batch_size) {
  core.initial_state(batch_size);
};
// The state that a core starts from.
template <class C>
using InitialState =
    std::decay_t<decltype(std::declval<const C&>().initial_state(int64_t()))>;

// What is called with two arguments, or may be.
template <class C>
concept HasStep = HasOneCall<C> || CallsDynamically<C>;

template <class P>
concept IsPair = requires {
  requires std::tuple_size<std::decay_t<P>>::value == 2;
};

// Whether f(x, state) gives a pair, and that of x alone nothing.
template <class C>
consteval bool steps_from_its_state() {
  if constexpr (CallsDynamically<C>) {
    return true;
  } else if constexpr (HasOneCall<C>) {
    using P = typename Parameters<decltype(&C::operator())>::type;
    if constexpr (std::tuple_size_v<P> < 2) {
      return false;
    } else {
      using Input = std::tuple_element_t<0, P>;
      using State = InitialState<C>;
      if constexpr (std::is_invocable_v<const C&, Input, State>) {
        return IsPair<std::invoke_result_t<const C&, Input, State>>;
      } else {
        return false;
      }
    }
  } else {
    return false;
  }
}

template <class C>
concept IsUnrolled = C::is_unrolled;

template <class C>
consteval bool is_recurrent() {
  if constexpr (HasInitialState<C>) {
    return steps_from_its_state<C>();
  } else {
    return false;
  }
}

}  // namespace detail

// A recurrent core: a module with
//
//   core(input, state) -> a pair {output, next_state}
//   core.initial_state(batch_size) -> the first state
//
// Input, output and state are any nests (see core/tree.h) of [batch, ...]; the
// state is one of a type of its own. LSTM, GRU and all others are such cores,
// and so is any struct with the two functions:
//
//     struct Sum {  // The sum of what came so far.
//       std::pair<at::Tensor, at::Tensor> operator()(
//           const at::Tensor& x, const at::Tensor& sum) const {
//         return {x + sum, x + sum};
//       }
//       at::Tensor initial_state(int64_t batch_size) const {
//         return at::zeros({batch_size, 3});
//       }
//     };
//     static_assert(snt::RecurrentCore<Sum>);
template <class C>
concept RecurrentCore = detail::is_recurrent<C>() && !detail::IsUnrolled<C>;

// The same for a module that takes whole sequences, [time, batch, ...], and
// gives whole ones: UnrolledLSTM. It says `static constexpr bool is_unrolled =
// true`.
template <class C>
concept UnrolledCore = detail::is_recurrent<C>() && detail::IsUnrolled<C>;

namespace detail {

// What a Core and an UnrolledRNN hold.
class Recurrence {
 public:
  static constexpr bool holds_variables = true;
  static constexpr bool is_module = false;  // What it holds is one.

  // {output, next_state}.
  std::pair<Nest, Nest> step(const Nest& input, const Nest& state) const;
  // The same in the form of Layer::call: takes and gives two nests.
  Nest call(std::span<const Nest> args) const { return held_->call(args); }

  // The first state, on the device of the variables unless another is given.
  Nest initial_state(int64_t batch_size,
                     std::optional<at::Device> device = {}) const {
    return held_->initial_state(batch_size, device);
  }

  // The held module if it is a C, else nullptr.
  template <class C>
  C* get_if() const {
    auto* of = dynamic_cast<Of<C>*>(held_.get());
    return of ? &of->core : nullptr;
  }

  // The name of the held class: "LSTM".
  std::string class_name() const { return held_->class_name(); }
  // The name that the held module was given, or else that of its class in
  // snake case: "lstm".
  std::string name() const { return held_->name(); }
  // The held module as a value.
  Config config() const { return held_->config(); }

  // For walks.
  void walk_(Walker& walker) { held_->walk(walker); }

 protected:
  struct Base {
    virtual ~Base() = default;
    virtual Nest call(std::span<const Nest> args) const = 0;
    virtual Nest initial_state(int64_t batch_size,
                               std::optional<at::Device> device) const = 0;
    virtual std::optional<std::pair<Nest, Nest>> unroll(
        const Nest& input_sequence, const Nest& initial_state,
        const at::Tensor& sequence_length) const = 0;
    virtual std::string class_name() const = 0;
    virtual std::string name() const = 0;
    virtual Config config() const = 0;
    virtual void walk(Walker& walker) = 0;
    virtual std::shared_ptr<Base> clone(Cloner& cloner) const = 0;
  };
  template <class C>
  struct Of;

  explicit Recurrence(std::shared_ptr<Base> held) : held_(std::move(held)) {}
  // No move: a moved-from module stays valid.
  Recurrence(const Recurrence&) = default;
  Recurrence& operator=(const Recurrence&) = default;

  std::shared_ptr<Base> clone_held(Cloner& cloner) const {
    return cloner.shared(held_, [&] { return held_->clone(cloner); });
  }

  std::shared_ptr<Base> held_;
};

template <class C>
struct Recurrence::Of final : Base {
  explicit Of(C c) : core(std::move(c)) {}

  Nest call(std::span<const Nest> args) const override {
    return call_dynamic(core, args, reflect::class_name<C>());
  }
  Nest initial_state(int64_t batch_size,
                     std::optional<at::Device> device) const override {
    if constexpr (requires { core.initial_state(batch_size, device); }) {
      return to_nest(core.initial_state(batch_size, device));
    } else {
      const Nest state = to_nest(core.initial_state(batch_size));
      return device ? tree::to(state, at::TensorOptions(*device)) : state;
    }
  }
  std::optional<std::pair<Nest, Nest>> unroll(
      const Nest& input_sequence, const Nest& initial_state,
      const at::Tensor& sequence_length) const override;
  std::string class_name() const override {
    return std::string(reflect::class_name<C>());
  }
  std::string name() const override {
    const std::string_view given = given_name(core);
    return given.empty() ? snake_case(reflect::class_name<C>())
                         : std::string(given);
  }
  Config config() const override { return to_config(core); }
  void walk(Walker& walker) override { snt::walk(core, walker); }
  std::shared_ptr<Base> clone(Cloner& cloner) const override {
    return std::make_shared<Of>(deep_copy(core, cloner));
  }

  C core;
};

// Whether a core has an `unroll_`: see recurrent/unroll.h.
template <class C, class Input, class State>
concept UnrollsItself = requires(const C& core, const Input& input_sequence,
                                 const State& initial_state) {
  { *core.unroll_(input_sequence, initial_state) } -> IsPair;
}
|| requires(const C& core, const Input& input_sequence,
            const State& initial_state, const at::Tensor& sequence_length) {
  { *core.unroll_(input_sequence, initial_state, sequence_length) } -> IsPair;
};

// What that gives; std::nullopt for lengths that it does not take.
template <class C, class Input, class State>
auto unroll_at_once(const C& core, const Input& input_sequence,
                    const State& initial_state,
                    const at::Tensor& sequence_length) {
  if constexpr (requires {
                  core.unroll_(input_sequence, initial_state, sequence_length);
                }) {
    return core.unroll_(input_sequence, initial_state, sequence_length);
  } else {
    using Result = decltype(core.unroll_(input_sequence, initial_state));
    return sequence_length.defined()
               ? Result()
               : core.unroll_(input_sequence, initial_state);
  }
}

template <class C>
std::optional<std::pair<Nest, Nest>> Recurrence::Of<C>::unroll(
    const Nest& input_sequence, const Nest& initial_state,
    const at::Tensor& sequence_length) const {
  if constexpr (UnrollsItself<C, Nest, Nest>) {
    return unroll_at_once(core, input_sequence, initial_state, sequence_length);
  } else if constexpr (HasOneCall<C>) {
    using P = typename Parameters<decltype(&C::operator())>::type;
    using Input = std::tuple_element_t<0, P>;
    using State = std::tuple_element_t<1, P>;
    if constexpr (UnrollsItself<C, Input, State>) {
      const auto result = unroll_at_once(
          core, from_nest<Input>(input_sequence, "input_sequence"),
          from_nest<State>(initial_state, "initial_state"), sequence_length);
      if (!result) return std::nullopt;
      return std::pair(to_nest(std::get<0>(*result)),
                       to_nest(std::get<1>(*result)));
    } else {
      return std::nullopt;
    }
  } else {
    return std::nullopt;
  }
}

}  // namespace detail

}  // namespace snt
