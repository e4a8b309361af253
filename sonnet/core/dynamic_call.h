// File: core/dynamic_call.h
// Calls a function of any signature with arguments that are only known at run
// time.

#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include "sonnet/core/nest.h"

namespace snt::detail {

// The parameters of a function type, as values: `type` is std::tuple<...>.
template <class F>
struct Parameters;
template <class R, class... A>
struct Parameters<R (*)(A...)> {
  using type = std::tuple<std::decay_t<A>...>;
};
template <class R, class C, class... A>
struct Parameters<R (C::*)(A...) const> {
  using type = std::tuple<std::decay_t<A>...>;
};
template <class R, class C, class... A>
struct Parameters<R (C::*)(A...)> {
  using type = std::tuple<std::decay_t<A>...>;
};
template <class R, class C, class... A>
struct Parameters<R (C::*)(A...) const noexcept> {
  using type = std::tuple<std::decay_t<A>...>;
};

// A type whose one call operator names its parameters.
template <class F>
concept HasOneCall = requires {
  &F::operator();
};
// A type that takes run-time arguments itself (Sequential, Layer).
template <class F>
concept CallsDynamically = requires(const F& f, std::span<const Nest> args) {
  { f.call(args) } -> std::same_as<Nest>;
};
template <class F>
concept MapsTensor =
    std::is_invocable_r_v<at::Tensor, const F&, const at::Tensor&>;

[[noreturn]] void fail_arguments(std::string_view who, size_t got);

template <class F, class... A>
Nest call_and_wrap(const F& f, A&&... args) {
  using R = std::invoke_result_t<const F&, A...>;
  if constexpr (std::is_void_v<R>) {
    std::invoke(f, std::forward<A>(args)...);
    return Nest();
  } else {
    return to_nest<std::decay_t<R>>(std::invoke(f, std::forward<A>(args)...));
  }
}

// Calls f with the first n = args.size() parameters of Tuple; the others must
// have default arguments.
template <class Tuple, class F, size_t N = 0>
Nest call_with(const F& f, std::span<const Nest> args, std::string_view who) {
  if constexpr (N > std::tuple_size_v<Tuple>) {
    fail_arguments(who, args.size());
  } else {
    if (args.size() != N) return call_with<Tuple, F, N + 1>(f, args, who);
    return [&]<size_t... I>(std::index_sequence<I...>)->Nest {
      if constexpr (std::is_invocable_v<const F&,
                                        std::tuple_element_t<I, Tuple>...>) {
        return call_and_wrap(f, from_nest<std::tuple_element_t<I, Tuple>>(
                                    args[I], format(who, " argument ", I))...);
      } else {
        fail_arguments(who, args.size());
      }
    }
    (std::make_index_sequence<N>());
  }
}

// Calls any callable with run-time arguments.
//
// Throws TypeError when number or structure of the arguments does not fit.
template <class F>
Nest call_dynamic(const F& f, std::span<const Nest> args,
                  std::string_view who) {
  if constexpr (CallsDynamically<F>) {
    return f.call(args);
  } else if constexpr (std::is_pointer_v<F>) {
    return call_with<typename Parameters<F>::type>(f, args, who);
  } else if constexpr (HasOneCall<F>) {
    using Tuple = typename Parameters<decltype(&F::operator())>::type;
    return call_with<Tuple>(f, args, who);
  } else {
    // Overloaded or a template: called with tensors only.
    static_assert(MapsTensor<F>,
                  "snt: a layer with an overloaded call operator must take a "
                  "tensor and give a tensor.");
    return call_with<std::tuple<at::Tensor>>(f, args, who);
  }
}

}  // namespace snt::detail
