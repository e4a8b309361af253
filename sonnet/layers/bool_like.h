// File: layers/bool_like.h
// Flags of calls that may be tensors.

#pragma once

#include <ATen/core/Tensor.h>

#include <string_view>
#include <variant>

namespace snt {

// A bool, or a tensor without dimensions that is read where it is needed (on an
// accelerator it is waited for). Sonnet's type of this name.
//
//     snt::BoolLike is_training = true;
//     is_training = at::scalar_tensor(false, at::kBool);
using BoolLike = std::variant<bool, at::Tensor>;

namespace detail {

// What it says. `name` is that of the argument, `who` the class it is for.
//
// Throws TypeError for a tensor that has dimensions or is undefined.
bool is_true(const BoolLike& flag, std::string_view name, std::string_view who);

}  // namespace detail
}  // namespace snt
