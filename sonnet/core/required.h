// File: core/required.h
// An option that has no default.

#pragma once

#include <concepts>
#include <initializer_list>
#include <type_traits>
#include <utility>

namespace snt {

// The value of an option that must be given: a struct with such a field cannot
// be made without it, so a forgotten option does not compile.
//
//     snt::Required<int64_t> size = 3;
//     int64_t twice = 2 * size;
//
// Numbers convert to the number type at hand (a `size_t` from `v.size()` to an
// `int64_t`); lists may be given in braces.
template <class T>
struct Required {
  T value;  // What was given.

  Required() = delete;

  // From another arithmetic type, without a narrowing warning.
  template <class U>
  requires(std::is_arithmetic_v<T>&&
               std::is_arithmetic_v<U>) constexpr Required(U other)
      : value(static_cast<T>(other)) {}

  // From a value of the type itself.
  constexpr Required(T other) requires(!std::is_arithmetic_v<T>)
      : value(std::move(other)) {}

  // From a list in braces.
  template <class U>
  requires(std::is_arithmetic_v<U>&& requires { typename T::value_type; } &&
           std::is_constructible_v<T, const U*, const U*>)
      Required(std::initializer_list<U> list)
      : value(list.begin(), list.end()) {}

  // Reads like the value itself.
  constexpr operator const T&() const { return value; }
};

}  // namespace snt
