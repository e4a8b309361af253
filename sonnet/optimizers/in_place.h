// File: optimizers/in_place.h
// Changing variables in place, whatever scope reads are intercepted by. Not
// public.

#pragma once

#include <ATen/core/Tensor.h>

#include "sonnet/core/variable.h"

namespace snt::optimizers::detail {

// The tensor of a variable, to be changed in place, without gradients. Inside a
// scope that owns what is read (mixed precision, functional transforms), a copy
// of what it has put there; past what only converts each read.
at::Tensor begin_change(const Variable& variable);

// Says that `value`, which `begin_change` gave, has changed.
void end_change(const Variable& variable, const at::Tensor& value);

}  // namespace snt::optimizers::detail
