// File: core/nest.h
// A nest of tensors whose structure is only known at run time: what type-erased
// layers take and give. Static nests (structs, tuples, vectors, maps) convert
// to it and back.

#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "sonnet/core/errors.h"
#include "sonnet/core/options.h"
#include "sonnet/core/reflect.h"

namespace snt {

// Nothing, a tensor, a plain value, a list, or a dictionary of nests.
//
//     snt::Nest state = snt::Nest::Dict{{"hidden", at::zeros({2, 3})},
//                                       {"cell", at::zeros({2, 3})}};
//     at::Tensor hidden = state.at("hidden").tensor();
class Nest {
 public:
  // Containers; a dictionary keeps its order.
  using List = std::vector<Nest>;
  using Dict = std::vector<std::pair<std::string, Nest>>;

  // Nothing (None).
  Nest() = default;
  // A leaf or a container. Only these types convert.
  template <class T>
  requires(std::is_same_v<T, at::Tensor> || std::is_same_v<T, bool> ||
           std::is_same_v<T, std::string> || std::is_same_v<T, List> ||
           std::is_same_v<T, Dict>) Nest(T value)
      : value_(std::move(value)) {}  // NOLINT
  template <class T>
  requires(std::is_integral_v<T> && !std::is_same_v<T, bool>) Nest(T value)
      : value_(static_cast<int64_t>(value)) {}  // NOLINT
  template <class T>
  requires(std::is_floating_point_v<T>) Nest(T value)
      : value_(static_cast<double>(value)) {}  // NOLINT

  // Whether this is nothing.
  bool is_none() const {
    return std::holds_alternative<std::monostate>(value_);
  }
  // The alternative of type T, or nullptr.
  template <class T>
  const T* get_if() const {
    return std::get_if<T>(&value_);
  }
  template <class T>
  T* get_if() {
    return std::get_if<T>(&value_);
  }

  // The tensor. Throws TypeError when this is something else.
  const at::Tensor& tensor() const;
  // The entry of a dictionary. Throws KeyError when there is none.
  const Nest& at(std::string_view key) const;
  // The entry of a list. Throws KeyError when there is none.
  const Nest& at(size_t index) const;

  // What this is, for errors: "a tensor [2, 3]", "a list of 2", "None".
  std::string kind() const;

 private:
  std::variant<std::monostate, at::Tensor, bool, int64_t, double, std::string,
               List, Dict>
      value_;
};

// Options that are nests hold no variables.
template <>
inline constexpr bool opaque<Nest> = true;

// A Nest in a Config: tensors are {"tensor": numbers, "dtype": name}; a
// dictionary of hidden and cell prints as the LSTMState that it stands for.
template <>
struct ConfigTraits<Nest> {
  static Config to(const Nest& value);
  static Nest from(const Config& config, const std::string& where);
};

namespace detail {
[[noreturn]] void fail_nest(const Nest& nest, const std::string& where,
                            const std::string& needed);
}  // namespace detail

// Any static nest as a dynamic one: structs and string maps become
// dictionaries, tuples, pairs, arrays and vectors lists, an empty optional or
// an undefined tensor nothing.
template <class T>
Nest to_nest(const T& value) {
  using namespace detail;  // NOLINT: is_list and its kin.
  if constexpr (std::is_same_v<T, Nest>) {
    return value;
  } else if constexpr (std::is_same_v<T, at::Tensor>) {
    return value.defined() ? Nest(value) : Nest();
  } else if constexpr (std::is_same_v<T, std::nullptr_t> ||
                       std::is_same_v<T, std::nullopt_t> ||
                       std::is_same_v<T, std::monostate>) {
    return Nest();
  } else if constexpr (std::is_arithmetic_v<T>) {
    return Nest(value);
  } else if constexpr (std::is_convertible_v<T, std::string>) {
    return Nest(std::string(value));
  } else if constexpr (is_optional<T>) {
    return value ? to_nest(*value) : Nest();
  } else if constexpr (is_variant<T>) {
    return std::visit([](const auto& v) { return to_nest(v); }, value);
  } else if constexpr (is_list<T>) {
    Nest::List list;
    for (const auto& entry : value) {
      list.push_back(to_nest<typename T::value_type>(entry));
    }
    return list;
  } else if constexpr (is_map<T>) {
    Nest::Dict dict;
    for (const auto& [key, entry] : value) {
      dict.emplace_back(format(key), to_nest(entry));
    }
    return dict;
  } else if constexpr (is_tuple<T>) {
    return std::apply(
        [](const auto&... entry) {
          return Nest(Nest::List{to_nest(entry)...});
        },
        value);
  } else {
    static_assert(std::is_class_v<T>,
                  "snt: a nest is made of tensors, numbers, strings, structs, "
                  "tuples, vectors, maps and optionals.");
    Nest::Dict dict;
    reflect::for_each_field(value, [&](std::string_view name, auto& field) {
      dict.emplace_back(std::string(name), to_nest(field));
    });
    return dict;
  }
}

template <class T>
T from_nest(const Nest& nest, const std::string& where);

namespace detail {
// The first alternative that fits.
template <class V, size_t I = 0>
V variant_from_nest(const Nest& nest, const std::string& where) {
  if constexpr (I == std::variant_size_v<V>) {
    fail_nest(nest, where, "one of the accepted kinds of value");
  } else {
    try {
      return V(std::in_place_index<I>,
               from_nest<std::variant_alternative_t<I, V>>(nest, where));
    } catch (const TypeError&) {
      return variant_from_nest<V, I + 1>(nest, where);
    }
  }
}
}  // namespace detail

// A dynamic nest as a T. `where` names it in errors.
//
// Throws TypeError, naming the place, when the structures differ.
template <class T>
T from_nest(const Nest& nest, const std::string& where) {
  using namespace detail;  // NOLINT: is_list and its kin.
  if constexpr (std::is_same_v<T, Nest>) {
    return nest;
  } else if constexpr (std::is_same_v<T, at::Tensor>) {
    if (const auto* v = nest.get_if<at::Tensor>()) return *v;
    if (nest.is_none()) return at::Tensor();
    fail_nest(nest, where, "a tensor");
  } else if constexpr (std::is_same_v<T, bool>) {
    if (const auto* v = nest.get_if<bool>()) return *v;
    fail_nest(nest, where, "a bool");
  } else if constexpr (std::is_integral_v<T>) {
    if (const auto* v = nest.get_if<int64_t>()) return static_cast<T>(*v);
    fail_nest(nest, where, "an integer");
  } else if constexpr (std::is_floating_point_v<T>) {
    if (const auto* v = nest.get_if<double>()) return static_cast<T>(*v);
    if (const auto* v = nest.get_if<int64_t>()) return static_cast<T>(*v);
    fail_nest(nest, where, "a number");
  } else if constexpr (std::is_same_v<T, std::string>) {
    if (const auto* v = nest.get_if<std::string>()) return *v;
    fail_nest(nest, where, "a string");
  } else if constexpr (std::is_same_v<T, std::monostate>) {
    if (nest.is_none()) return {};
    fail_nest(nest, where, "None");
  } else if constexpr (is_optional<T>) {
    if (nest.is_none()) return std::nullopt;
    return from_nest<typename T::value_type>(nest, where);
  } else if constexpr (is_variant<T>) {
    return variant_from_nest<T>(nest, where);
  } else if constexpr (is_list<T>) {
    const auto* list = nest.get_if<Nest::List>();
    if (list == nullptr) fail_nest(nest, where, "a list");
    T result;
    for (size_t i = 0; i < list->size(); ++i) {
      result.push_back(from_nest<typename T::value_type>(
          (*list)[i], where + "/" + std::to_string(i)));
    }
    return result;
  } else if constexpr (is_map<T>) {
    const auto* dict = nest.get_if<Nest::Dict>();
    if (dict == nullptr) fail_nest(nest, where, "a dictionary");
    T result;
    for (const auto& [key, entry] : *dict) {
      result.emplace(
          key, from_nest<typename T::mapped_type>(entry, where + "/" + key));
    }
    return result;
  } else if constexpr (is_tuple<T>) {
    const auto* list = nest.get_if<Nest::List>();
    if (list == nullptr || list->size() != std::tuple_size_v<T>) {
      fail_nest(nest, where,
                "a list of " + std::to_string(std::tuple_size_v<T>));
    }
    return [&]<size_t... I>(std::index_sequence<I...>) {
      return T{from_nest<std::tuple_element_t<I, T>>(
          (*list)[I], where + "/" + std::to_string(I))...};
    }
    (std::make_index_sequence<std::tuple_size_v<T>>());
  } else if constexpr (std::is_constructible_v<T, Nest> &&
                       !std::is_aggregate_v<T>) {
    return T(nest);
  } else {
    const auto* dict = nest.get_if<Nest::Dict>();
    if (dict == nullptr || dict->size() != reflect::num_fields<T>()) {
      fail_nest(nest, where,
                "a " + std::string(reflect::class_name<T>()) + " of " +
                    std::to_string(reflect::num_fields<T>()) + " fields");
    }
    const auto entry = [&](std::string_view name) -> const Nest& {
      for (const auto& [key, value] : *dict) {
        if (key == name) return value;
      }
      fail_nest(nest, where,
                "a " + std::string(reflect::class_name<T>()) +
                    " with a field '" + std::string(name) + "'");
    };
    return [&]<size_t... I>(std::index_sequence<I...>) {
      return T{from_nest<reflect::field_type<T, I>>(
          entry(reflect::field_name<T, I>),
          where + "/" + std::string(reflect::field_name<T, I>))...};
    }
    (std::make_index_sequence<reflect::num_fields<T>()>());
  }
}

}  // namespace snt
