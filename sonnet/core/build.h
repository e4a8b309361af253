// File: core/build.h
// A first call for its side effects only: all variables exist, are checked and
// know their paths afterwards.

#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <initializer_list>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "sonnet/core/variables.h"
#include "sonnet/core/walk.h"

namespace snt {

// Stands for a tensor of zeros in `build`. Unknown sizes are -1 and become 1.
//
//     snt::Linear linear{10};
//     snt::build(linear, snt::Shape{-1, 784});
struct Shape {
  std::vector<int64_t> sizes;         // -1 where unknown.
  at::ScalarType dtype = at::kFloat;  // Of the zeros.

  // From a list in braces, or a vector with a dtype.
  Shape(std::initializer_list<int64_t> list) : sizes(list) {}
  explicit Shape(std::vector<int64_t> list, at::ScalarType type = at::kFloat)
      : sizes(std::move(list)), dtype(type) {}
};

// How `build` works.
struct BuildOptions {
  std::optional<at::Device> device = {};  // Where inputs are moved to first.
  bool allow_hidden = false;  // Variables that no field holds are no error.
};

namespace detail {

// What a build runs in: no gradients, assignments are dropped, random states
// are restored, and the variables that are used are recorded.
class BuildScope {
 public:
  BuildScope();
  ~BuildScope();
  BuildScope(const BuildScope&) = delete;
  BuildScope& operator=(const BuildScope&) = delete;

  // The variables read so far.
  const std::vector<Variable>& used() const;

 private:
  struct State;
  State* state_;
};

at::Tensor example(const Shape& shape, const BuildOptions& options);
at::Tensor example(const at::Tensor& tensor, const BuildOptions& options);
template <class T>
const T& example(const T& value, const BuildOptions&) {
  return value;
}

// Runs check() of all modules.
void check_all(const std::function<void(Walker&)>& walk);
// Throws for variables that were used but are not among those found.
void check_hidden(const std::vector<Variable>& used,
                  const std::vector<Found>& found, std::string_view who);

template <class M, class Call, class... Inputs>
auto build_with(const M& module, const BuildOptions& options, const Call& call,
                const Inputs&... inputs) {
  check_all([&](Walker& walker) { snt::walk(module, walker); });
  const BuildScope scope;
  const auto finish = [&] {
    const std::vector<Found> found = find_variables(module);
    if (!options.allow_hidden) {
      check_hidden(scope.used(), found, reflect::class_name<M>());
    }
  };
  if constexpr (std::is_void_v<decltype(std::invoke(
                    call, module, detail::example(inputs, options)...))>) {
    std::invoke(call, module, detail::example(inputs, options)...);
    finish();
  } else {
    auto output =
        std::invoke(call, module, detail::example(inputs, options)...);
    finish();
    return output;
  }
}

}  // namespace detail

// Calls `module` once for real, without gradients: creates all its variables,
// checks its options first and lets every variable know its path. No state
// changes (assignments to moving averages are dropped, random generators are
// set back), so what comes later is as if the call had not been made. Gives
// what the call gave, of which only shapes and dtypes matter.
//
// Inputs may be tensors, shapes (zeros), or anything else the call takes.
//
//     snt::nets::MLP mlp{.output_sizes = {32, 10}};
//     at::Tensor y = snt::build(mlp, snt::Shape{-1, 784});  // y: [1, 10]
//
// Throws what the call throws, and ValueError when the call used a variable
// that no field holds (a module captured by a lambda, or made in the call):
// such a one would be neither trained nor saved.
template <class M, class... Inputs>
requires(!std::is_member_function_pointer_v<Inputs> &&
         ...) auto build(const M& module, const Inputs&... inputs) {
  return detail::build_with(
      module, BuildOptions(),
      [](const M& m, const auto&... x) { return m(x...); }, inputs...);
}

// The same with options.
//
//     snt::Linear linear{10};
//     snt::build(linear, snt::BuildOptions{.device = at::kCPU},
//                snt::Shape{-1, 784});
template <class M, class... Inputs>
requires(!std::is_member_function_pointer_v<Inputs> &&
         ...) auto build(const M& module, const BuildOptions& options,
                         const Inputs&... inputs) {
  return detail::build_with(
      module, options, [](const M& m, const auto&... x) { return m(x...); },
      inputs...);
}

// The same through another method: `snt::build(model, &Model::encode, x)`.
template <class M, class R, class... P, class... Inputs>
auto build(const M& module, R (M::*method)(P...) const,
           const Inputs&... inputs) {
  return detail::build_with(module, BuildOptions(), method, inputs...);
}
template <class M, class R, class... P, class... Inputs>
auto build(const M& module, const BuildOptions& options,
           R (M::*method)(P...) const, const Inputs&... inputs) {
  return detail::build_with(module, options, method, inputs...);
}

}  // namespace snt
