// File: metrics/mean.h
// The running mean.

#pragma once

#include <ATen/core/Tensor.h>

#include <string>

#include "sonnet/core/variable.h"

namespace snt {

// The element-wise mean of all values so far: mean = sum / count.
//
//   value  any shape, the same on each call
//   mean   dtype of value; float64 for int32 and int64
//
// `sum` is created by the first value. Copies share the variables.
//
//     snt::Mean mean;
//     mean(at::full({2}, 1.0));
//     at::Tensor middle = mean(at::full({2}, 2.0));  // [1.5, 1.5]
//
// Throws ValueError when the shape changes. Source: sonnet/src/metrics.py.
struct Mean {
  std::string name = {};  // Replaces the field's name in tables.

  Variable sum = Variable::state();      // Shape and dtype of the first value.
  Variable count = Variable::counter();  // Number of values, int64.

  // Creates the sum, zeros like `value`, unless it exists.
  void initialize(const at::Tensor& value) const;
  // Takes `value` in.
  void update(const at::Tensor& value) const;
  // The mean so far. Throws NotBuiltError before the first value.
  at::Tensor value() const;
  // Starts anew. Throws NotBuiltError before the first value.
  void reset() const;
  // Takes `value` in and gives the mean.
  at::Tensor operator()(const at::Tensor& value) const;
};

}  // namespace snt
