// File: functional/transform.h
// Functions that use modules, as pure functions of their parameters.

#pragma once

#include <functional>
#include <type_traits>
#include <utility>

#include "sonnet/core/errors.h"
#include "sonnet/functional/overlay.h"
#include "sonnet/functional/params.h"

namespace snt::functional {

// Marks where the model of a pure function is made, as Sonnet's programs do.
// Every variable of this library can be lifted out of a function, so nothing
// depends on it.
//
//     snt::functional::variables scope;
//     snt::Linear linear{3};
class [[nodiscard]] variables {
 public:
  // Opens the scope.
  variables() {}
  ~variables() {}
  variables(const variables&) = delete;
  variables& operator=(const variables&) = delete;
};

// What a function gave, and its state after it.
template <class R>
struct Applied {
  R output;      // What it returned.
  Params state;  // The values of its state now.
};

// The values that the variables of a function start with.
struct Initial {
  Params params;  // Of those that training changes.
  Params state;   // Of all others.
};

namespace detail {

// What holds for all of them is said at `transform_with_state`.
template <class F>
struct InitWithState {
  template <class... Args>
  Initial operator()(Args&&... args) const {
    InitScope scope;
    (void)std::invoke(f, std::forward<Args>(args)...);
    InitScope::Found found = scope.finish();
    return {std::move(found.params), std::move(found.state)};
  }

  F f;
};

template <class F>
struct ApplyWithState {
  template <class... Args>
  auto operator()(const Params& params, const Params& state,
                  Args&&... args) const {
    using R = std::decay_t<std::invoke_result_t<const F&, Args...>>;
    ApplyScope scope(params, state);
    if constexpr (std::is_void_v<R>) {
      std::invoke(f, std::forward<Args>(args)...);
      return scope.now(state);
    } else {
      R output = std::invoke(f, std::forward<Args>(args)...);
      return Applied<R>{std::move(output), scope.now(state)};
    }
  }

  F f;
};

inline void check_stateless(const Params& state) {
  check(state.empty(), "transform",
        "Stateful networks must use `transform_with_state(f)`, got ",
        state.size(), " variables that are not trained");
}

template <class F>
struct Init {
  template <class... Args>
  Params operator()(Args&&... args) const {
    Initial initial = with_state(std::forward<Args>(args)...);
    check_stateless(initial.state);
    return std::move(initial.params);
  }

  InitWithState<F> with_state;
};

template <class F>
struct Apply {
  template <class... Args>
  auto operator()(const Params& params, Args&&... args) const {
    if constexpr (std::is_void_v<std::invoke_result_t<const F&, Args...>>) {
      with_state(params, Params(), std::forward<Args>(args)...);
    } else {
      return with_state(params, Params(), std::forward<Args>(args)...).output;
    }
  }

  ApplyWithState<F> with_state;
};

}  // namespace detail

// A function in two pure halves.
template <class F>
struct Transformed {
  detail::Init<F> init;    // params = init(args...)
  detail::Apply<F> apply;  // output = apply(params, args...)
};

// The same for a function with state.
template <class F>
struct TransformedWithState {
  detail::InitWithState<F> init;  // {params, state} = init(args...)
  // {output, state} = apply(params, state, args...)
  detail::ApplyWithState<F> apply;
};

// Splits a function that uses modules (captured, or the module itself) into a
// pair of pure ones:
//
//   {params, state} = init(args...)
//   {output, state} = apply(params, state, args...)
//
// `init` runs f once and gives the initial value of every variable that it
// reads, assigns or creates: in `params` those that training changes, in
// `state` all others. `apply` runs f on the given values, and gives the state
// after it; a function that gives nothing has its state alone. Neither changes
// a variable, also when f throws. Variables that `init` creates keep no value
// but that in its result: the module can be called outside only after
// `params.store()`. Calling `init` again makes new values for them.
//
//     snt::ExponentialMovingAverage average{0.5};
//     auto f = snt::functional::transform_with_state(average);
//     auto [params, state] = f.init(at::full({}, 3.0));
//     auto [y, after] = f.apply(params, state, at::full({}, 3.0));  // y: 3
//     auto [z, end] = f.apply(params, after, at::full({}, 6.0));    // z: 5
//
// `apply` can be differentiated with respect to the tensors in `params` and
// `state`, which may have another dtype or device than the variables have; no
// gradient is recorded for those that do not require one. A frozen variable is
// state. What f does on other threads, and with random numbers, is not undone.
//
// `apply` throws ValueError when f creates a variable, or assigns one that is
// in neither. Reading a variable that has no value is a ValueError, too. See
// sonnet/src/functional/haiku.py.
template <class F>
TransformedWithState<F> transform_with_state(F f) {
  return {{f}, {f}};
}

// The same for a function without state, from its stateful form.
//
// Both halves throw ValueError when f has variables that are not trained.
template <class F>
Transformed<F> without_state(TransformedWithState<F> f) {
  return {{std::move(f.init)}, {std::move(f.apply)}};
}

// A function whose variables are all trained, as a pair of pure ones:
//
//   params = init(args...)
//   output = apply(params, args...)
//
// See `transform_with_state` for what they do.
//
//     snt::Linear a{10}, b{10};
//     auto f = snt::functional::transform(
//         [=](const at::Tensor& x) { return a(x) + b(x); });
//     auto params = f.init(at::ones({1, 1}));
//     at::Tensor y = f.apply(params, at::ones({4, 1}));  // y: [4, 10]
//
// Both throw ValueError when f has variables that are not trained.
template <class F>
Transformed<F> transform(F f) {
  return without_state(transform_with_state(std::move(f)));
}

}  // namespace snt::functional
