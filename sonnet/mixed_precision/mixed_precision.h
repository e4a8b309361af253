// File: mixed_precision/mixed_precision.h
// Calls in half precision of modules whose variables stay in full precision.

#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <initializer_list>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "sonnet/core/is_tree.h"
#include "sonnet/core/once.h"
#include "sonnet/core/variable.h"
#include "sonnet/mixed_precision/cast.h"

namespace snt::mixed_precision {

// Sets the mode of this thread: the dtype in which functions that `modes` has
// wrapped compute, where it is one of theirs.
//
//     snt::mixed_precision::enable(at::kBFloat16);
//     snt::mixed_precision::disable();
//
// Threads start without a mode. To carry it over:
//
//     auto mode = snt::mixed_precision::mode();
//     std::thread worker([mode] {
//       const snt::mixed_precision::scope same(mode);
//     });
//     worker.join();
void enable(std::optional<at::ScalarType> dtype);
// Back to none.
void disable();
// The mode of this thread, if any.
std::optional<at::ScalarType> mode();

// Sets the mode while it lives, and the one before afterwards. Scopes nest.
//
//     const snt::mixed_precision::scope half(at::kHalf);
class [[nodiscard]] scope {
 public:
  // As `enable`.
  explicit scope(std::optional<at::ScalarType> dtype);
  ~scope();
  scope(const scope&) = delete;
  scope& operator=(const scope&) = delete;

 private:
  std::optional<at::ScalarType> before_;
};

// A function that may run in other precisions; `modes` makes it.
//
// Copies are the same function: they have their first call in common. It is a
// module with what it wraps inside, and can be a layer or a field.
template <class F>
class Moded {
 public:
  // As `modes`.
  Moded(std::vector<at::ScalarType> valid_types, F f)
      : valid_types_(std::move(valid_types)), f_(std::move(f)) {}

  // f(args...), in the mode of this thread if that is allowed and this is not
  // the first such call.
  template <class... Args>
  auto operator()(Args&&... args) const
      -> std::decay_t<std::invoke_result_t<const F&, Args...>> {
    using R = std::decay_t<std::invoke_result_t<const F&, Args...>>;
    if (!detail::mode_among(valid_types_)) {
      return static_cast<R>(std::invoke(f_, std::forward<Args>(args)...));
    }
    if constexpr (std::is_member_function_pointer_v<F>) {
      return call<R>(first_of_.of(detail::instance(args...)),
                     std::forward<Args>(args)...);
    } else {
      return call<R>(first_, std::forward<Args>(args)...);
    }
  }

  // What is wrapped.
  const F& wrapped() const { return f_; }

  // Shows walks and copies what is wrapped, at the path of this field.
  template <class G>
  void visit_fields(G&& g) {
    if constexpr (!std::is_member_function_pointer_v<F>) g("", f_);
    g("", first_);
  }

 private:
  template <class R, class... Args>
  R call(const Once& first, Args&&... args) const {
    const auto as_it_is = [&] {
      return std::invoke(f_, std::forward<Args>(args)...);
    };
    const at::ScalarType dtype = *mode();
    const auto cast = [&](const at::Tensor& x) {
      return detail::cast(x, dtype);
    };
    const auto in_mode = [&] {
      const detail::CastReads reads(dtype);
      return std::invoke(f_,
                         tree::map_if_tree(cast, std::forward<Args>(args))...);
    };
    if constexpr (std::is_void_v<R>) {
      bool is_first = false;
      first([&] { is_first = true, as_it_is(); });
      if (!is_first) in_mode();
    } else {
      std::optional<R> result;
      first([&] { result = as_it_is(); });
      if (result) return *std::move(result);
      return tree::map_if_tree(
          [](const at::Tensor& y) { return detail::cast(y, at::kFloat); },
          R(in_mode()));
    }
  }

  std::vector<at::ScalarType> valid_types_;
  F f_;
  Once first_;
  detail::FirstCalls first_of_;
};

// Lets `f` (a module, lambda or function, or a member function) compute in the
// mode that `enable` or `scope` set, where it is one of `valid_types`: floating
// tensors in the arguments, and every floating variable that it reads, are cast
// to the mode, and floating outputs to float32, in any nests. Without a mode,
// or in another one, f runs as it is; so does the first call with a valid mode,
// which creates the variables, in full precision. Gradients reach the variables
// as they are stored.
//
//     snt::Linear linear{10};
//     auto f = snt::mixed_precision::modes({at::kHalf, at::kBFloat16}, linear);
//     const snt::mixed_precision::scope half(at::kHalf);
//     at::Tensor y = f(at::ones({1, 1}));  // In float32: the first call.
//     at::Tensor z = f(at::ones({1, 1}));  // In float16; z is float32.
//
// A member function takes the module first, and has a first call for each
// module; copies of a module are the same one, as they share its variables.
//
//     auto call = snt::mixed_precision::modes({at::kHalf},
//                                             &snt::Linear::operator());
//     snt::Linear other{3};
//     at::Tensor v = call(other, at::ones({1, 1}));
//
// What f assigns to a variable is cast to the dtype of the variable. See
// sonnet/src/mixed_precision.py.
template <class F>
Moded<std::decay_t<F>> modes(std::initializer_list<at::ScalarType> valid_types,
                             F&& f) {
  return {valid_types, std::forward<F>(f)};
}

}  // namespace snt::mixed_precision
