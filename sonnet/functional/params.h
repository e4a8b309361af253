// File: functional/params.h
// The values of variables as a value of its own.

#pragma once

#include <ATen/core/Tensor.h>

#include <initializer_list>
#include <utility>
#include <vector>

#include "sonnet/core/field_kinds.h"
#include "sonnet/core/variable.h"

namespace snt::functional {

// A tensor for each of some variables, in the order in which they came: what
// `transform` takes out of a function, and puts back for each call. A tree for
// snt::tree and snt::gradients, whose leaves are the tensors; a copy of it
// shares them.
//
//     snt::Linear linear{3};
//     auto f = snt::functional::transform(linear);
//     snt::functional::Params params = f.init(at::ones({1, 2}));
//     at::Tensor w = params.at(linear.w);  // [2, 3]
//     auto zeros = snt::tree::map(
//         [](const at::Tensor& x) { return at::zeros_like(x); }, params);
class Params {
 public:
  // As in the containers of std.
  using key_type = Variable;
  using mapped_type = at::Tensor;
  using value_type = std::pair<Variable, at::Tensor>;

  // Nothing, or the given pairs.
  Params() = default;
  Params(std::initializer_list<value_type> entries);

  // Puts a tensor in for `variable`, in its old place if it has one.
  void set(const Variable& variable, const at::Tensor& value);

  // Whether there is a tensor for `variable`.
  bool contains(const Variable& variable) const;
  // Its tensor. Throws ValueError when there is none.
  const at::Tensor& at(const Variable& variable) const;
  at::Tensor& at(const Variable& variable);

  // The pairs.
  size_t size() const { return entries_.size(); }
  bool empty() const { return entries_.empty(); }
  auto begin() const { return entries_.begin(); }
  auto end() const { return entries_.end(); }
  auto begin() { return entries_.begin(); }
  auto end() { return entries_.end(); }

  // The variables alone.
  std::vector<Variable> variables() const;

  // Gives each variable its tensor: from then on the model can be called, saved
  // and trained without transforms.
  //
  // Throws ValueError when a shape or dtype is not that of the variable.
  void store() const;

 private:
  const value_type* find(const Variable& variable) const;

  std::vector<value_type> entries_;
};

}  // namespace snt::functional

// snt::tree takes it for a map.
template <>
inline constexpr bool snt::detail::is_map<snt::functional::Params> = true;
