// File: core/field_kinds.h
// What the fields of a struct are: containers, holders of variables, options.

#pragma once

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <tuple>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "sonnet/core/reflect.h"
#include "sonnet/core/required.h"

namespace snt {

class Variable;

namespace detail {

template <class T>
inline constexpr bool is_list = false;
template <class T, class A>
inline constexpr bool is_list<std::vector<T, A>> = true;
template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;
template <class T>
inline constexpr bool is_required = false;
template <class T>
inline constexpr bool is_required<Required<T>> = true;
template <class T>
inline constexpr bool is_variant = false;
template <class... T>
inline constexpr bool is_variant<std::variant<T...>> = true;
template <class T>
inline constexpr bool is_map = false;
template <class K, class V, class C, class A>
inline constexpr bool is_map<std::map<K, V, C, A>> = true;
template <class K, class V, class H, class E, class A>
inline constexpr bool is_map<std::unordered_map<K, V, H, E, A>> = true;
template <class T>
inline constexpr bool is_tuple = requires {
  std::tuple_size<T>::value;
};
template <class T, class... Seen>
consteval bool holds_variables();

template <class T, class... Seen>
struct HoldsVariables {
  static consteval bool value() {
    if constexpr (std::is_same_v<T, Variable>) {
      return true;
    } else if constexpr ((std::is_same_v<T, Seen> || ...) || opaque<T> ||
                         !std::is_class_v<T>) {
      return false;
    } else if constexpr (requires { T::holds_variables; }) {
      return T::holds_variables;
    } else if constexpr (is_required<T>) {
      return detail::holds_variables<decltype(T::value), Seen..., T>();
    } else if constexpr (is_list<T> || is_optional<T>) {
      return detail::holds_variables<typename T::value_type, Seen..., T>();
    } else if constexpr (is_map<T>) {
      return detail::holds_variables<typename T::mapped_type, Seen..., T>();
    } else if constexpr (requires(T p) {
                           p.get();
                           *p;
                           typename T::element_type;
                         }) {
      return detail::holds_variables<
          std::remove_const_t<typename T::element_type>, Seen..., T>();
    } else if constexpr (is_variant<T>) {
      return []<class... A>(std::type_identity<std::variant<A...>>) {
        return (detail::holds_variables<A, Seen..., T>() || ...);
      }(std::type_identity<T>());
    } else if constexpr (is_tuple<T>) {
      return []<size_t... I>(std::index_sequence<I...>) {
        return (
            detail::holds_variables<std::tuple_element_t<I, T>, Seen..., T>() ||
            ...);
      }
      (std::make_index_sequence<std::tuple_size_v<T>>());
    } else if constexpr (reflect::is_foreign<T>()) {
      return false;
    } else if constexpr (std::is_polymorphic_v<T> || requires(T & t) {
                           t.visit_fields([](auto&&...) {});
                         }) {
      return true;  // It hides what it holds.
    } else if constexpr (std::is_aggregate_v<T>) {
      return []<size_t... I>(std::index_sequence<I...>) {
        return (
            detail::holds_variables<reflect::field_type<T, I>, Seen..., T>() ||
            ...);
      }
      (std::make_index_sequence<reflect::num_fields<T>()>());
    } else {
      return false;
    }
  }
};

// Whether a T may hold a Variable, at any depth.
template <class T, class... Seen>
consteval bool holds_variables() {
  return HoldsVariables<T, Seen...>::value();
}

template <class T, size_t I = 0>
consteval size_t count_options() {
  if constexpr (requires { T::num_options; }) {
    return T::num_options;
  } else if constexpr (I == reflect::num_fields<T>()) {
    // No `name`: the leading fields that hold no Variable.
    return []<size_t... J>(std::index_sequence<J...>) {
      size_t count = 0;
      bool leading = true;
      ((leading = leading && !holds_variables<reflect::field_type<T, J>>(),
        count += leading),
       ...);
      return count;
    }
    (std::make_index_sequence<I>());
  } else if constexpr (reflect::field_name<T, I> == "name") {
    return I + 1;
  } else {
    return count_options<T, I + 1>();
  }
}

}  // namespace detail

// The number of leading fields that are options: up to and including `name`;
// where there is no `name`, the leading fields that hold no Variable, or
// `static constexpr size_t num_options` of the struct.
template <class T>
inline constexpr size_t num_options = detail::count_options<T>();

}  // namespace snt
