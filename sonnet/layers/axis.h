// File: layers/axis.h
// Which dimensions a norm goes over: an option that is a number, a list or a
// slice.

#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "sonnet/core/options.h"

namespace snt {

// A range of dimensions, as Python's slice(start, stop, step): from `start` up
// to, but without, `stop`; negative ones count from the end.
//
//     snt::Axis all_but_first = snt::Slice{1};  // slice(1, None)
//     snt::Axis between = snt::Slice{1, -1};    // slice(1, -1)
struct Slice {
  std::optional<int64_t> start = {};  // Unset: from the first.
  std::optional<int64_t> stop = {};   // Unset: up to the last.
  std::optional<int64_t> step = {};   // Unset: 1. Not 0.
};

// One dimension, some of them, or a slice. There is no default: an option of
// this type must be given unless its struct says a value.
//
//     snt::Axis last = -1;
//     snt::Axis pair = {1, 2};
//     snt::Axis rest = snt::Slice{1};
//     std::vector<int64_t> dims = rest.of(4, "main");  // [1, 2, 3]
//
// Prints and stores as it was given: -1, [1, 2], slice(1, None, None), which in
// JSON is {"slice": [1, null]}.
class Axis {
 public:
  // One dimension.
  template <class T>
  requires(std::integral<T> && !std::is_same_v<T, bool>)
      Axis(T dim)  // NOLINT: implicit, so that options read well.
      : given_(static_cast<int64_t>(dim)) {}
  // Some dimensions.
  Axis(std::initializer_list<int64_t> dims)
      : given_(std::vector<int64_t>(dims)) {}
  Axis(std::vector<int64_t> dims) : given_(std::move(dims)) {}  // NOLINT
  // A range of them.
  Axis(Slice slice) : given_(slice) {}  // NOLINT

  // As it was given.
  const std::variant<int64_t, std::vector<int64_t>, Slice>& given() const {
    return given_;
  }

  // Throws ValueError for an empty list and for a step of 0.
  void check(std::string_view who) const;

  // The dimensions, sorted, for a tensor of that rank; none where a slice says
  // none.
  //
  // Throws ValueError for a dimension that is not there or given twice.
  std::vector<int64_t> of(int64_t rank, std::string_view who) const;

 private:
  std::variant<int64_t, std::vector<int64_t>, Slice> given_;
};

// It holds no variables.
template <>
inline constexpr bool opaque<Axis> = true;

// Reads and writes an Axis.
template <>
struct ConfigTraits<Axis> {
  static Config to(const Axis& value);
  static Axis from(const Config& config, const std::string& where);
};

}  // namespace snt
