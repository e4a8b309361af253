// File: core/initializer.h
// How the first value of a Variable is made.

#pragma once

#include <ATen/core/Tensor.h>

#include "sonnet/core/callable.h"

namespace snt {

// Any callable (shape, dtype) -> tensor: a struct of snt::initializers, or a
// function of one's own. An unset one lets a module choose its default.
//
//     snt::Initializer halves = [](at::IntArrayRef shape,
//                                  at::ScalarType dtype) {
//       return at::full(shape, 0.5, dtype);
//     };
//
// Called inside the creation of a Variable, on the CPU; the result is moved to
// the device of the Variable. Random numbers come from snt::random::generator.
using Initializer = Callable<at::Tensor(at::IntArrayRef, at::ScalarType)>;

}  // namespace snt
