// File: metrics/exponential_moving_average.h
// The exponentially decaying mean, without the bias of its zero start.

#pragma once

#include <ATen/core/Tensor.h>

#include <string>

#include "sonnet/core/required.h"
#include "sonnet/core/variable.h"

namespace snt {

// The mean of all values so far, with weights that fall by `decay` per value:
//
//   counter = counter + 1
//   hidden  = hidden - (hidden - value) (1 - decay)
//   average = hidden / (1 - decay^counter)
//
//   value  any shape and floating dtype, the same on each call
//
// `hidden` and `average` are created by the first value. Copies share them.
//
//     snt::ExponentialMovingAverage average{0.5};
//     average(at::full({}, 3.0));                       // 3
//     at::Tensor now = average(at::full({}, 6.0));      // 5
//
// Throws ValueError when the shape changes, TypeError for integers. Source:
// sonnet/src/moving_averages.py; the bias correction is that of Kingma & Ba
// 2014, "Adam".
struct ExponentialMovingAverage {
  Required<double> decay;  // Near 1 for a long memory.
  std::string name = {};   // Replaces the field's name in tables.

  Variable counter = Variable::counter();  // Number of values, int64.
  Variable hidden = Variable::state();     // The biased mean.
  Variable average = Variable::state();    // The mean.

  // Creates the variables, zeros like `value`, unless they exist.
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
