// File: core/getter.h
// A scope in which reads of variables give something else.

#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "sonnet/core/variable.h"
#include "sonnet/core/variables.h"

namespace snt {

// While it lives, each read of a variable on this thread gives getter(value):
// to stop gradients, cast, quantise or add noise. Scopes nest; the inner getter
// sees what the outer one gave. Threads do not inherit it.
//
//     snt::Linear linear{3};
//     linear(at::ones({2, 4}));
//     snt::custom_variable_getter no_gradients(
//         [](const at::Tensor& value) { return value.detach(); }, linear);
//     at::Tensor y = linear(at::ones({2, 4}));
//
// With modules given, only their variables are concerned.
class [[nodiscard]] custom_variable_getter : private detail::ReadHook {
 public:
  // What a read gives instead of the value.
  using Getter = std::function<at::Tensor(const at::Tensor& value)>;
  // The same for getters that want to know which variable is read.
  using VariableGetter =
      std::function<at::Tensor(const Variable&, const at::Tensor& value)>;

  // For all variables, or those of `modules`.
  template <class G, class... M>
  requires(std::is_invocable_r_v<
           at::Tensor, G,
           const at::
               Tensor&>) explicit custom_variable_getter(G getter,
                                                         const M&... modules)
      : custom_variable_getter(
            VariableGetter([g = std::move(getter)](const Variable&,
                                                   const at::Tensor& value) {
              return g(value);
            }),
            modules...) {}
  template <class... M>
  explicit custom_variable_getter(VariableGetter getter, const M&... modules)
      : getter_(std::move(getter)),
        everywhere_(sizeof...(M) == 0),
        outer_(detail::read_hook) {
    (restrict_to(detail::find_variables(modules)), ...);
    detail::read_hook = this;
  }
  ~custom_variable_getter() override { detail::read_hook = outer_; }
  custom_variable_getter(const custom_variable_getter&) = delete;
  custom_variable_getter& operator=(const custom_variable_getter&) = delete;

 private:
  const at::Tensor& read(const Variable& variable,
                         const at::Tensor& value) override;
  const at::Tensor& source(const Variable& variable,
                           const at::Tensor& value) override;
  bool assign(const Variable& variable, const at::Tensor& value) override;
  void restrict_to(const std::vector<detail::Found>& found);

  VariableGetter getter_;
  bool everywhere_;
  detail::ReadHook* outer_;
  std::unordered_set<const void*> only_;
  // What was handed out; a reference lives until the next read of its variable.
  std::unordered_map<const void*, at::Tensor> given_;
};

}  // namespace snt
