// File: core/is_tree.h
// Which arguments of a function are nests of tensors.

#pragma once

#include <ATen/core/Tensor.h>

#include <string_view>
#include <type_traits>
#include <utility>

#include "sonnet/core/field_kinds.h"
#include "sonnet/core/nest.h"
#include "sonnet/core/reflect.h"
#include "sonnet/core/tree.h"

namespace snt::tree {

namespace detail {

template <class T>
consteval bool is_tree() {
  using namespace snt::detail;  // NOLINT: is_list and its kin.
  if constexpr (std::is_same_v<T, at::Tensor> || std::is_same_v<T, Nest>) {
    return true;
  } else if constexpr (std::is_arithmetic_v<T> || std::is_enum_v<T>) {
    return true;
  } else if constexpr (!std::is_class_v<T> || opaque<T>) {
    return false;
  } else if constexpr (is_map<T>) {
    return detail::is_tree<typename T::mapped_type>();
  } else if constexpr (is_list<T> || is_optional<T>) {
    return detail::is_tree<typename T::value_type>();
  } else if constexpr (is_tuple<T>) {
    return []<size_t... I>(std::index_sequence<I...>) {
      return (detail::is_tree<std::tuple_element_t<I, T>>() && ...);
    }
    (std::make_index_sequence<std::tuple_size_v<T>>());
  } else if constexpr (std::is_convertible_v<T, std::string_view>) {
    return true;
  } else if constexpr (reflect::is_foreign<T>() || !std::is_aggregate_v<T> ||
                       requires { &T::operator(); }) {
    return false;
  } else if constexpr (holds_variables<T>()) {
    return false;
  } else {
    return []<size_t... I>(std::index_sequence<I...>) {
      return (detail::is_tree<reflect::field_type<T, I>>() && ...);
    }
    (std::make_index_sequence<reflect::num_fields<T>()>());
  }
}

}  // namespace detail

// Whether the functions of snt::tree take a T and find all its tensors: nests
// of tensors, and plain values. Modules, functions and handles are none.
template <class T>
inline constexpr bool is_tree = detail::is_tree<std::remove_cvref_t<T>>();

// `value` with f(leaf) for its tensors if it is a tree, else `value` itself.
//
//     auto twice = [](const at::Tensor& x) { return 2 * x; };
//     at::Tensor y = snt::tree::map_if_tree(twice, at::ones({2}));  // 2, 2
template <class F, class T>
decltype(auto) map_if_tree(F&& f, T&& value) {
  if constexpr (is_tree<T>) {
    return tree::map(f, value);
  } else {
    return std::forward<T>(value);
  }
}

}  // namespace snt::tree
