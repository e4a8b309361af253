// File: optimizers/sgd.h
// Stochastic gradient descent.

#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "sonnet/core/hyperparameter.h"
#include "sonnet/core/variable.h"
#include "sonnet/optimizers/step.h"

namespace snt::optimizers {

// Stochastic gradient descent: p <- p - learning_rate g.
//
// Owns nothing, but a count of its steps if the learning rate is a schedule.
//
//     snt::Variable w(at::ones({3}));
//     snt::optimizers::SGD sgd{.learning_rate = 0.1};
//     sgd.apply({at::ones({3})}, {w});  // w: 0.9, 0.9, 0.9
//     sgd.learning_rate = 0.01;
//
// See Kiefer and Wolfowitz, "Stochastic Estimation of the Maximum of a
// Regression Function", 1952.
struct SGD {
  Hyperparameter learning_rate;  // Factor of the update.
  std::string name = {};         // Replaces the class name in tables.

  Variable step = detail::unused_step();  // [], calls of apply; for schedules.

  // It has none before the first step.
  static constexpr bool allow_empty_variables = true;

  // Changes each parameter in place by its update: a gradient of its shape,
  // dtype and device, dense or sparse in the first dimension (rows; equal
  // indices add up). An undefined update skips its parameter. The learning rate
  // is cast to the dtype of the update.
  //
  // Throws ValueError, before anything has changed, when the lists differ in
  // length or are empty, all updates are undefined, or an update differs from
  // its parameter in dtype, shape or device.
  void apply(const std::vector<at::Tensor>& updates,
             const std::vector<Variable>& parameters) const;

  // Makes what the first `apply` would make, so that a checkpoint can be read
  // before it.
  void initialize(const std::vector<Variable>& parameters) const;
};

}  // namespace snt::optimizers
