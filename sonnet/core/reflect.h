// File: core/reflect.h
// The fields of a plain struct and their names, without a macro or a
// registration. Boost.PFR binds the fields; the names come from the compiler's
// own spelling of a pointer to each. What cannot be read is a sentence at
// compile time that names the cure.
//
// The fields are counted here: PFR's own count tries up to 8 sizeof(T) fields
// for a struct that cannot be made from {}, which took GCC 12 minutes and
// gigabytes for one with a Required option.

#pragma once

#include <array>
#include <boost/pfr/detail/core17_generated.hpp>
#include <cstddef>
#include <string_view>
#include <type_traits>
#include <utility>

namespace snt {

// Specialise as true for a type that holds no variables and that reflection
// shall pass over: a tokenizer, a connection, a handle of another library.
// Types of std, at and c10 are passed over without it.
//
//     // template <>
//     // inline constexpr bool snt::opaque<Tokenizer> = true;
template <class T>
inline constexpr bool opaque = false;

}  // namespace snt

namespace snt::reflect {

namespace detail {

template <class T>
consteval std::string_view pretty_type() {
  const std::string_view text = __PRETTY_FUNCTION__;
  const size_t begin = text.find("T = ") + 4;
  // GCC adds "; std::string_view = ..." behind the type.
  const size_t semicolon = text.find("; std::string_view", begin);
  return text.substr(
      begin, (semicolon != text.npos ? semicolon : text.rfind(']')) - begin);
}

// Position behind the last "::" that is not inside <> or ().
consteval size_t unqualified(std::string_view name) {
  size_t begin = 0;
  int depth = 0;
  for (size_t i = 0; i < name.size(); ++i) {
    if (name[i] == '<' || name[i] == '(') ++depth;
    if (name[i] == '>' || name[i] == ')') --depth;
    if (depth == 0 && name[i] == ':') begin = i + 1;
  }
  return begin;
}

// Converts to anything: stands for the initialiser of a field.
struct Any {
  explicit constexpr Any(size_t) {}
  Any(const Any&) = delete;
  template <class T>
  operator T() const noexcept;
};
template <class T>
struct AnyBaseOf {
  template <class U>
  requires(std::is_base_of_v<U, T> && !std::is_same_v<U, T>) operator U()
      const noexcept;
};

template <class T, size_t... I>
consteval bool takes(std::index_sequence<I...>) {
  return requires { T{Any{I}...}; };
}
// Whether T{any, {any, any}, any...} works with the braces at field `before`.
template <class T, size_t... I, size_t... J>
consteval bool takes_pair(std::index_sequence<I...>,
                          std::index_sequence<J...>) {
  return requires { T{Any{I}..., {Any{0}, Any{1}}, Any{J}...}; };
}

inline constexpr size_t kMaxFields = 64;

// The number of initialisers, or more than kMaxFields.
template <class T, size_t N = 0, bool seen = false>
consteval size_t num_initialisers() {
  if constexpr (N > kMaxFields + 1) {
    return N;
  } else if constexpr (takes<T>(std::make_index_sequence<N>())) {
    return num_initialisers<T, N + 1, true>();
  } else if constexpr (seen) {
    return N - 1;
  } else {
    return num_initialisers<T, N + 1, false>();
  }
}

// A C array takes several initialisers: {any, any} fits, but then the rest of
// the initialisers is too much.
template <class T, size_t N, size_t I = 0>
consteval bool has_c_array() {
  if constexpr (I + 1 >= N) {
    return false;
  } else if constexpr (takes_pair<T>(std::make_index_sequence<I>(),
                                     std::make_index_sequence<0>()) &&
                       !takes_pair<T>(std::make_index_sequence<I>(),
                                      std::make_index_sequence<N - I - 1>())) {
    return true;
  } else {
    return has_c_array<T, N, I + 1>();
  }
}

#if defined(__clang__)
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wundefined-var-template"
#pragma clang diagnostic ignored "-Wundefined-internal"
#endif
// The fields of a struct of N fields, as a tuple of references.
template <size_t N, class T>
constexpr auto bind(T& object) {
  return boost::pfr::detail::tie_as_tuple(object,
                                          boost::pfr::detail::size_t_<N>());
}
template <size_t I, size_t N, class T>
constexpr auto& bound_field(T& object) {
  return boost::pfr::detail::sequence_tuple::get<I>(detail::bind<N>(object));
}

template <class T>
struct Fake {
  T value;
};
template <class T>
extern const Fake<T> the_fake;
template <class T>
struct Pointer {
  const T* pointer;
};
template <class T>
Pointer(const T*) -> Pointer<T>;

template <auto P>
consteval std::string_view pretty_pointer() {
  return __PRETTY_FUNCTION__;
}

template <class T, size_t N, size_t I>
consteval std::string_view field_name() {
  std::string_view text =
      pretty_pointer<Pointer{&bound_field<I, N>(the_fake<T>.value)}>();
#if defined(__clang__)
  text = text.substr(0, text.rfind("}]"));
  return text.substr(text.find_last_of(".") + 1);
#else
  text = text.substr(0, text.rfind(")}"));
  return text.substr(text.rfind(':') + 1);
#endif
}
#if defined(__clang__)
#pragma clang diagnostic pop
#endif

}  // namespace detail

// The full name of a type as the compiler spells it: "snt::nets::MLP".
template <class T>
inline constexpr std::string_view type_name = detail::pretty_type<T>();

// The name of a class without namespaces and template arguments: "MLP". A
// class may say another by `static constexpr std::string_view class_name`.
template <class T>
consteval std::string_view class_name() {
  if constexpr (requires { T::class_name; }) {
    return T::class_name;
  } else {
    constexpr std::string_view name = type_name<T>;
    constexpr std::string_view last = name.substr(detail::unqualified(name));
    return last.substr(0, last.find('<'));
  }
}

// Whether a type belongs to std, at, c10, torch or is a lambda: nothing there
// is read field by field. (A struct may have a lambda as template argument, or
// be declared in one.)
template <class T>
consteval bool is_foreign() {
  constexpr std::string_view name = type_name<T>;
  constexpr std::string_view last = name.substr(detail::unqualified(name));
  return name.starts_with("std::") || name.starts_with("at::") ||
         name.starts_with("c10::") || name.starts_with("torch::") ||
         last.starts_with("<lambda") || last.starts_with("(lambda");
}

// Whether T is a plain struct. Where it is not, compilation ends with the
// reason and the cure.
template <class T>
consteval bool readable() {
  static_assert(std::is_class_v<T>,
                "snt: this field is neither a value nor a struct; specialise "
                "snt::opaque for its type if it holds no variables.");
  if constexpr (std::is_class_v<T>) {
    static_assert(!std::is_polymorphic_v<T>,
                  "snt: a module must have no virtual function: hold a "
                  "snt::Layer instead, or give the class `virtual void "
                  "walk_(snt::Walker& walker)`.");
    static_assert(
        std::is_polymorphic_v<T> || std::is_aggregate_v<T>,
        "snt: a module must be a plain struct, without constructors and "
        "private fields: give the fields default values instead, or write "
        "`template <class F> void visit_fields(F&& f)`.");
    if constexpr (std::is_aggregate_v<T> && !std::is_polymorphic_v<T>) {
      constexpr bool has_base = requires { T{detail::AnyBaseOf<T>{}}; };
      static_assert(!has_base,
                    "snt: a module must have no base: make the base a field.");
      if constexpr (!has_base) {
        constexpr size_t n = detail::num_initialisers<T>();
        static_assert(n <= detail::kMaxFields,
                      "snt: a module may have at most 64 fields, each of a "
                      "movable or copyable type: group them into structs.");
        if constexpr (n <= detail::kMaxFields) {
          constexpr bool has_array = detail::has_c_array<T, n>();
          static_assert(!has_array,
                        "snt: a module must have no C array: use std::array.");
          return !has_array;
        }
      }
    }
  }
  return false;
}

// The number of fields of a plain struct; 0 where it is none.
template <class T>
consteval size_t num_fields() {
  if constexpr (readable<T>()) {
    return detail::num_initialisers<T>();
  } else {
    return 0;
  }
}

// Field I itself.
template <size_t I, class T>
constexpr auto& field(T& object) {
  return detail::bound_field<I, num_fields<std::remove_const_t<T>>()>(object);
}

// The type of field I.
template <class T, size_t I>
using field_type =
    std::remove_reference_t<decltype(reflect::field<I>(std::declval<T&>()))>;

// The name of field I.
template <class T, size_t I>
inline constexpr std::string_view field_name =
    detail::field_name<T, num_fields<T>(), I>();

// Calls f(name, field) for each field in the order of declaration.
template <class T, class F>
constexpr void for_each_field(T& object, F&& f) {
  using Object = std::remove_const_t<T>;
  [&]<size_t... I>(std::index_sequence<I...>) {
    (f(field_name<Object, I>, reflect::field<I>(object)), ...);
  }
  (std::make_index_sequence<num_fields<Object>()>());
}

}  // namespace snt::reflect
