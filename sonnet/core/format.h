// File: core/format.h
// Values as text, for error messages and printed modules: shapes and lists as
// [2, 3], booleans as True and False, dtypes as float32.

#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <string_view>
#include <type_traits>

namespace snt {

// The name that NumPy, TensorFlow and safetensors' users know: "float32".
std::string dtype_name(at::ScalarType dtype);

// The dtype of a name as given by `dtype_name`. Throws ValueError for another.
at::ScalarType dtype_from_name(std::string_view name);

// A number as Python prints it: the shortest text that reads back the same,
// always recognisable as a float ("1.0", "1e-05").
std::string format_double(double value);

// The shape or list as Python prints it: "[2, 3]".
std::string format_list(at::IntArrayRef values);

// One value as text. A callable without arguments is called first: what is
// costly to describe is only described when it is printed.
template <class T>
std::string format_one(const T& value) {
  if constexpr (std::is_convertible_v<const T&, std::string_view>) {
    return std::string(std::string_view(value));
  } else if constexpr (std::is_same_v<T, bool>) {
    return value ? "True" : "False";
  } else if constexpr (std::is_same_v<T, at::ScalarType>) {
    return dtype_name(value);
  } else if constexpr (std::is_same_v<T, at::Device>) {
    return value.str();
  } else if constexpr (std::is_floating_point_v<T>) {
    return format_double(value);
  } else if constexpr (std::is_arithmetic_v<T>) {
    return std::to_string(value);
  } else if constexpr (std::is_invocable_v<const T&>) {
    return format_one(value());
  } else if constexpr (std::is_convertible_v<const T&, at::IntArrayRef>) {
    return format_list(value);
  } else if constexpr (requires { std::string(value.path()); }) {
    return std::string(value.path());  // Variables.
  } else if constexpr (requires { value.has_value(); }) {
    return value ? format_one(*value) : "None";
  } else {
    std::string text = "[";
    for (const auto& entry : value) {
      text += (text.size() > 1 ? ", " : "") + format_one(entry);
    }
    return text + "]";
  }
}

// All parts as text, joined without spaces.
template <class... Parts>
std::string format(const Parts&... parts) {
  std::string text;
  ((text += format_one(parts)), ...);
  return text;
}

}  // namespace snt
