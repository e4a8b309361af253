// File: layers/one_or_list.h
// An option that is one value for all dimensions, or a list of one for each.

#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "sonnet/core/config.h"
#include "sonnet/core/options.h"

namespace snt {

// One T, or a list of them, as it was given. There is no default: an option of
// this type must be given unless its struct says a value.
//
//     snt::IntOrList all = 3;
//     snt::IntOrList each = {3, 5};
//     std::vector<int64_t> sizes = each.values();  // [3, 5]
//
// `utils::replicate` makes it one for each dimension. Prints and stores as what
// was given: 3, or [3, 5].
template <class T>
class OneOrList {
 public:
  // What it is made of.
  using value_type = T;

  // One value for all.
  template <class U>
  requires(!std::is_same_v<std::decay_t<U>, OneOrList> &&
           std::is_convertible_v<U, T> &&
           (!std::is_arithmetic_v<T> ||
            (std::integral<std::decay_t<U>> &&
             !std::is_same_v<std::decay_t<U>, bool>)))
      OneOrList(U&& value) {  // NOLINT: implicit, so that options read well.
    values_.push_back(static_cast<T>(std::forward<U>(value)));
  }
  // A list in braces, or a vector.
  OneOrList(std::initializer_list<T> list) : values_(list), is_list_(true) {}
  OneOrList(std::vector<T> list) : values_(std::move(list)), is_list_(true) {}

  // The value or the list.
  const std::vector<T>& values() const { return values_; }
  // Whether a list was given, of one perhaps.
  bool is_list() const { return is_list_; }

 private:
  std::vector<T> values_;
  bool is_list_ = false;
};

// A number for all dimensions, or one for each: kernel sizes, strides, rates.
using IntOrList = OneOrList<int64_t>;

// Holds no variables that a module could own.
template <class T>
inline constexpr bool opaque<OneOrList<T>> = true;

// Reads and writes a OneOrList as what was given.
template <class T>
struct ConfigTraits<OneOrList<T>> {
  static Config to(const OneOrList<T>& value) {
    return value.is_list() ? to_config(value.values())
                           : to_config(value.values().front());
  }
  static OneOrList<T> from(const Config& config, const std::string& where) {
    if (config.get_if<Config::List>() != nullptr) {
      return from_config<std::vector<T>>(config, where);
    }
    return from_config<T>(config, where);
  }
};

}  // namespace snt
