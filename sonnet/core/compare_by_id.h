// File: core/compare_by_id.h
// Objects as keys, by who they are.

#pragma once

#include <cstddef>
#include <functional>

namespace snt::utils {

// A reference to an object that equals another when both refer to the same
// object, whatever their values; a key for std::unordered_map. (Variables are
// compared that way themselves.)
//
//     at::Tensor a = at::ones({2}), b = at::ones({2});
//     const snt::utils::CompareById first(a), second(b);
//     bool same = first == second;  // false
//
// Source: sonnet/src/utils.py.
template <class T>
class CompareById {
 public:
  // Refers to `wrapped`, which must live as long.
  explicit CompareById(const T& wrapped) : wrapped_(&wrapped) {}

  // The object.
  const T& wrapped() const { return *wrapped_; }

  // Whether both refer to one object.
  friend bool operator==(const CompareById& a, const CompareById& b) {
    return a.wrapped_ == b.wrapped_;
  }

 private:
  const T* wrapped_;
};

}  // namespace snt::utils

// By identity, like ==.
template <class T>
struct std::hash<snt::utils::CompareById<T>> {
  size_t operator()(const snt::utils::CompareById<T>& object) const noexcept {
    return std::hash<const T*>()(&object.wrapped());
  }
};
