// File: core/clone.h
// Deep copies of modules. (A plain copy shares its variables.)

#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <memory>
#include <type_traits>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "sonnet/core/errors.h"
#include "sonnet/core/options.h"
#include "sonnet/core/variable.h"
#include "sonnet/core/walk.h"

namespace snt {

// What was copied already in one deep copy, so that what was shared in the
// original is shared in the copy.
class Cloner {
 public:
  // The copy of a variable.
  Variable variable(const Variable& original);

  // Whether a variable was copied already.
  bool knows(const Variable& original) const {
    return variables_.contains(original.id());
  }

  // The copy of a shared object, made by `make` the first time.
  //
  // Throws ValueError for an object that holds itself.
  template <class T, class Make>
  std::shared_ptr<T> shared(const std::shared_ptr<T>& original,
                            const Make& make) {
    if (original == nullptr) return nullptr;
    const void* key = original.get();
    if (auto it = shared_.find(key); it != shared_.end()) {
      return std::static_pointer_cast<T>(it->second);
    }
    check(open_.insert(key).second, "clone",
          "the module holds itself through a std::shared_ptr");
    std::shared_ptr<T> copy = make();
    open_.erase(key);
    using U = std::remove_const_t<T>;
    originals_.push_back(std::const_pointer_cast<U>(original));  // Stays alive.
    shared_.emplace(key, std::const_pointer_cast<U>(copy));
    return copy;
  }

 private:
  std::unordered_map<const void*, Variable> variables_;
  std::unordered_map<const void*, std::shared_ptr<void>> shared_;
  std::unordered_set<const void*> open_;
  std::vector<std::shared_ptr<void>> originals_;
};

namespace detail {
at::Tensor copy_constant(const at::Tensor& tensor);
}  // namespace detail

// A deep copy of anything a module holds. A type that hides its inside may
// have `T clone_(snt::Cloner&) const`; a polymorphic base needs
// `std::unique_ptr<Base> clone_(snt::Cloner&) const`.
template <class T>
T deep_copy(const T& object, Cloner& cloner) {
  using namespace detail;  // NOLINT: is_list and its kin.
  if constexpr (std::is_same_v<T, Variable>) {
    return cloner.variable(object);
  } else if constexpr (std::is_same_v<T, at::Tensor>) {
    return copy_constant(object);
  } else if constexpr (opaque<T> || !std::is_class_v<T>) {
    return object;
  } else if constexpr (is_required<T>) {
    return T(deep_copy(object.value, cloner));
  } else if constexpr (requires {
                         { object.clone_(cloner) } -> std::same_as<T>;
                       }) {
    return object.clone_(cloner);
  } else if constexpr (VisitsFields<T>) {
    T copy = object;
    copy.visit_fields([&](std::string_view, auto& field) {
      field = deep_copy(std::as_const(field), cloner);
    });
    return copy;
  } else if constexpr (is_list<T>) {
    T copy;
    copy.reserve(object.size());
    for (const auto& entry : object) {
      copy.push_back(deep_copy<typename T::value_type>(entry, cloner));
    }
    return copy;
  } else if constexpr (is_map<T>) {
    T copy;
    for (const auto& [key, entry] : object) {
      copy.emplace_hint(copy.end(), key, deep_copy(entry, cloner));
    }
    return copy;
  } else if constexpr (is_optional<T>) {
    return object ? T(deep_copy(*object, cloner)) : T();
  } else if constexpr (IsPointer<T>) {
    using E = std::remove_const_t<typename T::element_type>;
    const auto copy_target = [&]() -> std::unique_ptr<E> {
      if constexpr (std::is_polymorphic_v<E>) {
        static_assert(
            requires { object->clone_(cloner); },
            "snt: to be cloned, a polymorphic base needs `virtual "
            "std::unique_ptr<Base> clone_(snt::Cloner&) const`.");
        return object->clone_(cloner);
      } else {
        return std::unique_ptr<E>(new E(deep_copy<E>(*object, cloner)));
      }
    };
    if (object == nullptr) return nullptr;
    if constexpr (requires { object.use_count(); }) {
      return cloner.shared(object, [&] { return T(copy_target()); });
    } else {
      return copy_target();
    }
  } else if constexpr (is_variant<T>) {
    return std::visit(
        [&](const auto& value) { return T(deep_copy(value, cloner)); }, object);
  } else if constexpr (is_tuple<T>) {
    return [&]<size_t... I>(std::index_sequence<I...>) {
      return T{deep_copy(std::get<I>(object), cloner)...};
    }
    (std::make_index_sequence<std::tuple_size_v<T>>());
  } else if constexpr (reflect::is_foreign<T>() || !std::is_aggregate_v<T>) {
    return object;
  } else {
    return [&]<size_t... I>(std::index_sequence<I...>) {
      return T{deep_copy<reflect::field_type<T, I>>(reflect::field<I>(object),
                                                    cloner)...};
    }
    (std::make_index_sequence<reflect::num_fields<T>()>());
  }
}

// A deep copy: new variables with the same values, what was shared inside
// stays shared inside, and the original is untouched. Reaches behind Layers,
// smart pointers and containers; a module captured by a lambda stays shared
// (snt::build finds those).
//
//     snt::Linear online{3};
//     online(at::ones({2, 4}));
//     snt::Linear target = snt::clone(online);
template <class M>
M clone(const M& module) {
  Cloner cloner;
  return deep_copy(module, cloner);
}

// n deep copies: layers of the same kind with weights of their own.
//
//     std::vector<snt::Linear> layers = snt::repeat(3, snt::Linear{8});
//
// Throws ValueError when n is negative.
template <class M>
std::vector<M> repeat(int64_t n, const M& module) {
  check(n >= 0, "repeat", "n must be >= 0, got ", n);
  std::vector<M> result;
  result.reserve(static_cast<size_t>(n));
  for (int64_t i = 0; i < n; ++i) result.push_back(clone(module));
  return result;
}

}  // namespace snt
