// File: core/variable_like.h
// A new variable like another, or like a tensor.

#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <string>

#include "sonnet/core/initializer.h"
#include "sonnet/core/variable.h"

namespace snt::utils {

// A variable with the shape, dtype and device of `inputs`, filled by
// `initializer` (unset: zeros). `trainable` and `name` are those of `inputs`
// where they are not given; like a tensor it is trained, and named "Variable".
//
//     snt::Variable w(at::ones({2, 3}));
//     snt::Variable slot = snt::utils::variable_like(w, {},
//     /*trainable=*/false);
//
// Throws NotBuiltError for a variable that no call has made. Source:
// sonnet/src/utils.py.
Variable variable_like(const Variable& inputs,
                       const Initializer& initializer = {},
                       std::optional<bool> trainable = {},
                       const std::string& name = {});
Variable variable_like(const at::Tensor& inputs,
                       const Initializer& initializer = {},
                       std::optional<bool> trainable = {},
                       const std::string& name = {});

}  // namespace snt::utils
