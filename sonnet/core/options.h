// File: core/options.h
// The options of a struct (see field_kinds.h) as a value: what `repr` prints
// and what JSON stores, and back.

#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "sonnet/core/config.h"
#include "sonnet/core/errors.h"
#include "sonnet/core/field_kinds.h"
#include "sonnet/core/reflect.h"
#include "sonnet/core/required.h"

namespace snt {

// How a type is written to and read from a Config, for types that are neither
// plain values nor plain structs: static `Config to(const T&)` and
// `T from(const Config&, const std::string& where)`.
template <class T>
struct ConfigTraits;

// A tensor in a Config: null when undefined, else nested lists of its numbers;
// read back as float32. {"tensor": numbers, "dtype": name} is read, too.
template <>
struct ConfigTraits<at::Tensor> {
  static Config to(const at::Tensor& value);
  static at::Tensor from(const Config& config, const std::string& where);
};

// The name under which JSON knows a class: "nets.MLP" for snt::nets::MLP, the
// bare name for a class outside snt.
template <class T>
std::string config_name() {
  if constexpr (requires { T::config_class; }) {
    return std::string(T::config_class);
  } else {
    constexpr std::string_view type = reflect::type_name<T>;
    const std::string last(reflect::class_name<T>());
    // Clang writes (anonymous namespace), GCC {anonymous}.
    if (!type.starts_with("snt::") || type.find_first_of("{(") != type.npos) {
      return last;
    }
    std::string result;
    std::string_view rest =
        type.substr(0, reflect::detail::unqualified(type)).substr(5);
    for (size_t colons; (colons = rest.find("::")) != rest.npos;
         rest = rest.substr(colons + 2)) {
      result += std::string(rest.substr(0, colons)) + ".";
    }
    return result + last;
  }
}

// Checks that the `name` of a module, where one is given, is a valid
// identifier.
//
// Throws ValueError in Sonnet's words when it is not.
void check_name(std::string_view class_name, std::string_view name);

template <class T>
Config to_config(const T& value);

// Reads a T from `config`; `where` names the place in errors ("MLP.w_init").
//
// Throws ValueError when the value does not fit.
template <class T>
T from_config(const Config& config, const std::string& where);

namespace detail {

template <class T>
concept HasConfigTraits = requires {
  sizeof(ConfigTraits<T>);
};

#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#endif
// T{values 0..I-1}; the other fields take their defaults.
template <class T, class Get, size_t... I>
T make_prefix(const Get& get, std::index_sequence<I...>) {
  return T{get(std::integral_constant<size_t, I>())...};
}
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

// Whether field I has a default: T can be made from the fields before it. (A
// type without a default constructor may still have one: Hyperparameter.)
template <class T, size_t I>
inline constexpr bool has_default =
    reflect::detail::takes<T>(std::make_index_sequence<I>());

// The Config of the default of field I, given the fields before it.
template <class T, size_t I>
std::optional<Config> default_of(const T& object) {
  using Field = reflect::field_type<T, I>;
  if constexpr (has_default<T, I>) {
    const T fresh = make_prefix<T>(
        [&](auto index) -> decltype(auto) {
          return reflect::field<decltype(index)::value>(object);
        },
        std::make_index_sequence<I>());
    return to_config<Field>(reflect::field<I>(fresh));
  } else {
    return std::nullopt;
  }
}

template <class T>
Config struct_to_config(const T& object) {
  Config::Object result{config_name<T>(), {}, {}};
  if constexpr (requires { T::repr_name; }) result.repr_name = T::repr_name;
  if constexpr (requires { object.options_config(); }) {
    result.options = object.options_config();
  } else {
    [&]<size_t... I>(std::index_sequence<I...>) {
      (
          [&] {
            const std::string key(reflect::field_name<T, I>);
            Config value =
                to_config<reflect::field_type<T, I>>(reflect::field<I>(object));
            bool is_default;
            if (key == "name") {
              is_default = value == Config{std::string()};
              if (is_default) return;
            } else {
              const std::optional<Config> usual = default_of<T, I>(object);
              is_default = usual.has_value() && value == *usual;
            }
            result.options.push_back({key, std::move(value), is_default});
          }(),
          ...);
    }
    (std::make_index_sequence<num_options<T>>());
  }
  return {std::move(result)};
}

// Throws for a key that no option has, listing those there are.
void check_keys(const Config& config, const std::vector<std::string>& known,
                const std::string& where);
// Those of {"class": class_name, "config": {...}}, or else `config` itself.
const Config& options_of(const Config& config, const std::string& class_name,
                         const std::string& where);
// Throws "[where] must be <needed>, got <config>".
[[noreturn]] void fail_config(const Config& config, const std::string& where,
                              const char* needed);

template <class T>
T struct_from_config(const Config& config, const std::string& where) {
  constexpr size_t n = num_options<T>;
  std::vector<std::string> known;
  [&]<size_t... I>(std::index_sequence<I...>) {
    (known.emplace_back(reflect::field_name<T, I>), ...);
  }
  (std::make_index_sequence<n>());
  check_keys(config, known, where);

  // Options one after the other: a default may depend on the earlier ones.
  return [&]<size_t... I>(std::index_sequence<I...>) {
    std::tuple<std::optional<reflect::field_type<T, I>>...> values;
    const auto get = [&](auto index) -> decltype(auto) {
      return *std::get<decltype(index)::value>(values);
    };
    (
        [&] {
          using Field = reflect::field_type<T, I>;
          const std::string key(reflect::field_name<T, I>);
          auto& value = std::get<I>(values);
          if (const Config* given = config.find(key)) {
            value.emplace(from_config<Field>(*given, where + "." + key));
          } else if constexpr (has_default<T, I>) {
            T fresh = make_prefix<T>(get, std::make_index_sequence<I>());
            value.emplace(std::move(reflect::field<I>(fresh)));
          } else {
            throw ValueError("[" + where + "] option '" + key +
                             "' is required");
          }
        }(),
        ...);
    T result = make_prefix<T>(get, std::make_index_sequence<n>());
    if constexpr (requires { std::string_view(result.name); }) {
      check_name(reflect::class_name<T>(), result.name);
    }
    if constexpr (requires { result.check(); }) result.check();
    return result;
  }
  (std::make_index_sequence<n>());
}

template <class V, size_t I = 0>
V variant_from_config(const Config& config, const std::string& where) {
  if constexpr (I == std::variant_size_v<V>) {
    fail_config(config, where, "one of the accepted kinds of value");
  } else {
    using A = std::variant_alternative_t<I, V>;
    try {
      return V(std::in_place_index<I>, from_config<A>(config, where));
    } catch (const std::exception&) {
      return variant_from_config<V, I + 1>(config, where);
    }
  }
}

}  // namespace detail

// The value of an option, or a whole module, as a Config.
template <class T>
Config to_config(const T& value) {
  using namespace detail;  // NOLINT: the traits above.
  if constexpr (HasConfigTraits<T>) {
    return ConfigTraits<T>::to(value);
  } else if constexpr (requires { T::is_named_function; }) {
    const std::string name(value.name);
    return {Config::Literal{name, {Config{name}}}};
  } else if constexpr (std::is_same_v<T, bool>) {
    return {value};
  } else if constexpr (std::is_same_v<T, at::ScalarType>) {
    return {Config::Literal{"tf." + dtype_name(value),
                            {Config{dtype_name(value)}}}};
  } else if constexpr (std::is_integral_v<T> || std::is_enum_v<T>) {
    return {static_cast<int64_t>(value)};
  } else if constexpr (std::is_floating_point_v<T>) {
    return {static_cast<double>(value)};
  } else if constexpr (std::is_convertible_v<T, std::string>) {
    return {std::string(value)};
  } else if constexpr (std::is_same_v<T, std::monostate>) {
    return {};
  } else if constexpr (is_required<T>) {
    return to_config(value.value);
  } else if constexpr (is_optional<T>) {
    return value ? to_config(*value) : Config{};
  } else if constexpr (is_variant<T>) {
    return std::visit([](const auto& v) { return to_config(v); }, value);
  } else if constexpr (is_list<T>) {
    Config::List list;
    for (const auto& entry : value) {
      list.push_back(to_config<typename T::value_type>(entry));
    }
    return {std::move(list)};
  } else if constexpr (is_map<T>) {
    Config::Map map;
    for (const auto& [key, entry] : value) {
      map.emplace_back(key, to_config(entry));
    }
    return {std::move(map)};
  } else if constexpr (is_tuple<T>) {
    return std::apply(
        [](const auto&... entry) {
          return Config{Config::List{to_config(entry)...}};
        },
        value);
  } else if constexpr (std::is_aggregate_v<T> && !opaque<T> &&
                       !reflect::is_foreign<T>()) {
    return struct_to_config(value);
  } else if constexpr (requires { value.options_config(); }) {
    return struct_to_config(value);
  } else if constexpr (std::is_class_v<T> && !reflect::is_foreign<T>()) {
    return {Config::Literal{"<" + std::string(reflect::class_name<T>()) + ">"}};
  } else {
    return {Config::Literal{"<lambda>"}};
  }
}

template <class T>
T from_config(const Config& config, const std::string& where) {
  using namespace detail;  // NOLINT: the traits above.
  if constexpr (HasConfigTraits<T>) {
    return ConfigTraits<T>::from(config, where);
  } else if constexpr (std::is_same_v<T, bool>) {
    if (const auto* v = config.get_if<bool>()) return *v;
    fail_config(config, where, "true or false");
  } else if constexpr (std::is_same_v<T, at::ScalarType>) {
    if (const auto* v = config.get_if<std::string>()) {
      return dtype_from_name(*v);
    }
    fail_config(config, where, "the name of a dtype");
  } else if constexpr (std::is_integral_v<T>) {
    if (const auto* v = config.get_if<int64_t>()) {
      const T value = static_cast<T>(*v);
      if (std::cmp_equal(+value, *v)) return value;
      fail_config(config, where, "an integer that fits its type");
    }
    fail_config(config, where, "an integer");
  } else if constexpr (std::is_enum_v<T>) {
    return static_cast<T>(
        from_config<std::underlying_type_t<T>>(config, where));
  } else if constexpr (std::is_floating_point_v<T>) {
    if (const auto* v = config.get_if<double>()) return static_cast<T>(*v);
    if (const auto* v = config.get_if<int64_t>()) return static_cast<T>(*v);
    fail_config(config, where, "a number");
  } else if constexpr (std::is_same_v<T, std::string>) {
    if (const auto* v = config.get_if<std::string>()) return *v;
    if (config.is_none()) return {};
    fail_config(config, where, "a string");
  } else if constexpr (std::is_same_v<T, std::monostate>) {
    if (config.is_none()) return {};
    fail_config(config, where, "null");
  } else if constexpr (is_required<T>) {
    return T(from_config<decltype(T::value)>(config, where));
  } else if constexpr (is_optional<T>) {
    if (config.is_none()) return std::nullopt;
    return from_config<typename T::value_type>(config, where);
  } else if constexpr (is_variant<T>) {
    return variant_from_config<T>(config, where);
  } else if constexpr (is_list<T>) {
    const auto* list = config.get_if<Config::List>();
    if (list == nullptr) fail_config(config, where, "a list");
    T result;
    for (size_t i = 0; i < list->size(); ++i) {
      result.push_back(from_config<typename T::value_type>(
          (*list)[i], where + "[" + std::to_string(i) + "]"));
    }
    return result;
  } else if constexpr (is_map<T>) {
    const auto* map = config.get_if<Config::Map>();
    if (map == nullptr) fail_config(config, where, "an object");
    T result;
    for (const auto& [key, entry] : *map) {
      result.emplace(
          key, from_config<typename T::mapped_type>(entry, where + "." + key));
    }
    return result;
  } else if constexpr (is_tuple<T>) {
    const auto* list = config.get_if<Config::List>();
    if (list == nullptr || list->size() != std::tuple_size_v<T>) {
      fail_config(
          config, where,
          ("a list of " + std::to_string(std::tuple_size_v<T>)).c_str());
    }
    return [&]<size_t... I>(std::index_sequence<I...>) {
      return T{from_config<std::tuple_element_t<I, T>>(
          (*list)[I], where + "[" + std::to_string(I) + "]")...};
    }
    (std::make_index_sequence<std::tuple_size_v<T>>());
  } else if constexpr (opaque<T> || reflect::is_foreign<T>()) {
    fail_config(config, where, "left out: JSON cannot hold such a value");
  } else {
    return struct_from_config<T>(options_of(config, config_name<T>(), where),
                                 where);
  }
}

// The constructor call that makes such a module, with the options that differ
// from their defaults: "Linear(output_size=10)".
//
//     snt::repr(snt::Linear{.output_size = 10, .with_bias = false});
//
// Modules inside are printed the same way; a user's lambda prints as <lambda>.
template <class T>
std::string repr(const T& module) {
  return to_repr(to_config(module));
}

// The options of a module as JSON text with Sonnet's keyword names:
// {"output_size": 10, "with_bias": true, ...}. Modules and initialisers inside
// are {"class": ..., "config": {...}}.
//
//     std::string text = snt::to_json(snt::Linear{10});
//     auto linear = snt::from_json<snt::Linear>(text);
//
// Throws ValueError for what JSON cannot hold (a user's lambda).
template <class T>
requires(!std::is_same_v<T, Config>) std::string
    to_json(const T& module, int indent = -1) {
  const Config config = to_config(module);
  const auto* object = config.get_if<Config::Object>();
  if (object == nullptr) return to_json(config, indent);
  Config::Map options;
  for (const Config::Option& option : object->options) {
    options.emplace_back(option.key, option.value);
  }
  return to_json(Config{std::move(options)}, indent);
}

// The inverse of `to_json`. A missing key takes the option's default, which may
// depend on the options before it.
//
// Throws ValueError for malformed text, a missing required option, a value of
// the wrong kind, an unknown key (with a list of the known ones), and for
// options that `check()` refuses.
template <class T>
T from_json(std::string_view text) {
  return from_config<T>(parse_json(text),
                        std::string(reflect::class_name<T>()));
}

}  // namespace snt
