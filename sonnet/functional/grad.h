// File: functional/grad.h
// The gradient of a function as a function.

#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <cstddef>
#include <functional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "sonnet/core/gradients.h"
#include "sonnet/core/is_tree.h"

namespace snt::functional {

// Says that a function gives {output, anything else}: only the first is
// differentiated, the rest is handed on.
struct HasAux {};
inline constexpr HasAux has_aux{};  // To say it.

// What `value_and_grad` gives. G is the type of the argument that is
// differentiated for, or a tuple of them.
template <class G>
struct ValueAndGrad {
  at::Tensor value;  // The output.
  G grad;            // Its gradient.
};
// The same with what else the function gives.
template <class G, class Aux>
struct ValueAuxAndGrad {
  at::Tensor value;  // The output.
  Aux aux;           // What else came.
  G grad;            // The gradient of `value`.
};
// What `grad` gives then.
template <class G, class Aux>
struct GradAndAux {
  G grad;   // The gradient of the output.
  Aux aux;  // What else came.
};

namespace detail {

// While it lives, gradients are recorded. Scopes nest: the gradients of inner
// ones can be differentiated.
class GradScope {
 public:
  GradScope();
  ~GradScope();
  GradScope(const GradScope&) = delete;
  GradScope& operator=(const GradScope&) = delete;

  // A tensor with the value of x whose uses are recorded.
  at::Tensor watch(const at::Tensor& x);
  // Whether the result is differentiated once more.
  bool keeps_graph() const { return keeps_graph_; }
  // x, cut off from the graph unless that is kept.
  at::Tensor result(const at::Tensor& x) const;

 private:
  bool grad_mode_before_;
  bool keeps_graph_;
};

// Argument J: the watched copy if it is one of I..., else as given.
template <size_t J, size_t... I, class Watched, class Given>
auto&& pick(Watched& watched, const Given& given) {
  constexpr std::array<size_t, sizeof...(I)> kWatched = {I...};
  constexpr size_t position = [&] {
    size_t p = 0;
    while (p < kWatched.size() && kWatched[p] != J) ++p;
    return p;
  }();
  if constexpr (position < kWatched.size()) {
    return std::get<position>(watched);
  } else {
    return std::get<J>(given);
  }
}

// The gradients of `loss` for watched arguments, in their types.
template <class... T>
auto differentiate(const GradScope& scope, const at::Tensor& loss,
                   const std::tuple<T...>& watched) {
  std::vector<at::Tensor> leaves;
  const auto collect = [&](const auto& tree) {
    for (const at::Tensor& leaf : tree::flatten(tree)) {
      if (leaf.requires_grad()) leaves.push_back(leaf);
    }
  };
  std::apply([&](const auto&... trees) { (collect(trees), ...); }, watched);
  const std::vector<at::Tensor> found =
      snt::gradients(loss, leaves, {.create_graph = scope.keeps_graph()});

  size_t next = 0;
  const auto replace = [&](const at::Tensor& leaf) {
    return leaf.requires_grad() ? found[next++] : at::Tensor();
  };
  if constexpr (sizeof...(T) == 1) {
    return tree::map(replace, std::get<0>(watched));
  } else {
    return std::apply(
        [&](const auto&... trees) {
          return std::tuple<T...>{tree::map(replace, trees)...};
        },
        watched);
  }
}

template <bool kHasAux, class F, size_t... I>
struct ValueAndGradOf {
  template <class... Args>
  auto operator()(const Args&... args) const {
    static_assert(((I < sizeof...(Args)) && ...),
                  "snt: `argnums` names an argument that is not there.");
    const std::tuple<const Args&...> given(args...);
    static_assert(
        (tree::is_tree<std::tuple_element_t<I, std::tuple<Args...>>> && ...),
        "snt: only nests of tensors have gradients.");
    GradScope scope;
    auto watched = std::make_tuple(
        tree::map([&](const at::Tensor& x) { return scope.watch(x); },
                  std::get<I>(given))...);
    auto result = [&]<size_t... J>(std::index_sequence<J...>) {
      return std::invoke(f, detail::pick<J, I...>(watched, given)...);
    }
    (std::index_sequence_for<Args...>());

    if constexpr (kHasAux) {
      auto& [output, aux] = result;
      auto grad = detail::differentiate(scope, output, watched);
      using Aux = std::decay_t<decltype(aux)>;
      return ValueAuxAndGrad<decltype(grad), Aux>{
          scope.result(output),
          Aux(tree::map_if_tree(
              [&](const at::Tensor& x) { return scope.result(x); },
              std::move(aux))),
          std::move(grad)};
    } else {
      auto grad = detail::differentiate(scope, result, watched);
      return ValueAndGrad<decltype(grad)>{scope.result(result),
                                          std::move(grad)};
    }
  }

  F f;
};

template <bool kHasAux, class F, size_t... I>
struct GradOf {
  template <class... Args>
  auto operator()(const Args&... args) const {
    auto all = value_and_grad(args...);
    if constexpr (kHasAux) {
      return GradAndAux<decltype(all.grad), decltype(all.aux)>{
          std::move(all.grad), std::move(all.aux)};
    } else {
      return std::move(all.grad);
    }
  }

  ValueAndGradOf<kHasAux, F, I...> value_and_grad;
};

}  // namespace detail

// The function that gives f(args...) and its gradient with respect to the
// arguments of the given numbers, by default the first; to the sum where f
// gives more than a scalar.
//
//     auto f = [](const at::Tensor& x, const at::Tensor& y) {
//       return (x * x * y).sum();
//     };
//     at::Tensor two = at::full({}, 2.0), five = at::full({}, 5.0);
//     auto [value, g] = snt::functional::value_and_grad(f)(two, five);  // 20
//     auto gxy = snt::functional::value_and_grad<0, 1>(f)(two, five).grad;
//     at::Tensor gy = std::get<1>(gxy);  // 4
//
// The gradient has the structure of the argument (Params, a struct, a vector
// ...), with undefined tensors for integers and for what the output does not
// depend on. Several numbers give a tuple. In the gradient of a function that
// takes gradients itself, those are differentiated.
//
// Where f gives a pair, or any struct of two, `has_aux` says that only the
// first is differentiated; the results are then {value, aux, grad}.
//
//     auto with_norm = [](const at::Tensor& x) {
//       return std::make_pair((x * x).sum(), x.norm());
//     };
//     auto [v, norm, gx] = snt::functional::value_and_grad(
//         with_norm, snt::functional::has_aux)(at::ones({2}));
//
// See sonnet/src/functional/jax.py.
template <size_t... Argnums, class F>
auto value_and_grad(F f) {
  if constexpr (sizeof...(Argnums) == 0) {
    return detail::ValueAndGradOf<false, F, 0>{std::move(f)};
  } else {
    return detail::ValueAndGradOf<false, F, Argnums...>{std::move(f)};
  }
}
template <size_t... Argnums, class F>
auto value_and_grad(F f, HasAux) {
  if constexpr (sizeof...(Argnums) == 0) {
    return detail::ValueAndGradOf<true, F, 0>{std::move(f)};
  } else {
    return detail::ValueAndGradOf<true, F, Argnums...>{std::move(f)};
  }
}

// The same without the value: the gradient alone, or {grad, aux}.
//
//     auto square = [](const at::Tensor& x) { return x * x; };
//     auto twice = snt::functional::grad(square);
//     at::Tensor eight = twice(at::full({}, 4.0));
//     at::Tensor two = snt::functional::grad(twice)(at::full({}, 4.0));
template <size_t... Argnums, class F>
auto grad(F f) {
  if constexpr (sizeof...(Argnums) == 0) {
    return detail::GradOf<false, F, 0>{{std::move(f)}};
  } else {
    return detail::GradOf<false, F, Argnums...>{{std::move(f)}};
  }
}
template <size_t... Argnums, class F>
auto grad(F f, HasAux) {
  if constexpr (sizeof...(Argnums) == 0) {
    return detail::GradOf<true, F, 0>{{std::move(f)}};
  } else {
    return detail::GradOf<true, F, Argnums...>{{std::move(f)}};
  }
}

}  // namespace snt::functional
