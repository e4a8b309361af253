// File: metrics/sum.h
// The running sum.

#pragma once

#include <ATen/core/Tensor.h>

#include <string>

#include "sonnet/core/variable.h"

namespace snt {

// The element-wise sum of all values so far: sum = sum + value.
//
//   value  any shape, the same on each call
//
// The variable is created by the first value. Copies share it.
//
//     snt::Sum sum;
//     sum(at::ones({2}));
//     at::Tensor total = sum(at::ones({2}));  // [2, 2]
//
// Throws ValueError when the shape changes. Source: sonnet/src/metrics.py.
struct Sum {
  std::string name = {};  // Replaces the field's name in tables.

  Variable sum = Variable::state();  // Shape and dtype of the first value.

  // Creates the variable, zeros like `value`, unless it exists.
  void initialize(const at::Tensor& value) const;
  // Adds `value`.
  void update(const at::Tensor& value) const;
  // The sum so far. Throws NotBuiltError before the first value.
  at::Tensor value() const;
  // Sets the sum back to zero. Throws NotBuiltError before the first value.
  void reset() const;
  // Adds `value` and gives the sum.
  at::Tensor operator()(const at::Tensor& value) const;
};

}  // namespace snt
