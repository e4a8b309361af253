// File: optimizers/momentum.h
// Stochastic gradient descent with momentum.

#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "sonnet/core/hyperparameter.h"
#include "sonnet/core/variable.h"
#include "sonnet/optimizers/slots.h"
#include "sonnet/optimizers/step.h"

namespace snt::optimizers {

// Changes theta and m by one step of momentum mu and learning rate alpha, in
// place, given the gradient g:
//
//   m <- mu m + g
//   theta <- theta - alpha m              or, with Nesterov's momentum,
//   theta <- theta - alpha (mu m + g)
//
// All have the same shape and a floating dtype; gradients must be off.
void momentum_update(const at::Tensor& theta, const at::Tensor& g, double alpha,
                     double mu, bool use_nesterov, const at::Tensor& m);

// Stochastic gradient descent with momentum: see `momentum_update`.
//
//     snt::Variable w(at::ones({3}));
//     snt::optimizers::Momentum momentum{.learning_rate = 0.1,
//                                        .momentum = 0.9};
//     momentum.apply({at::ones({3})}, {w});  // w: 0.9, 0.9, 0.9
//     momentum.apply({at::ones({3})}, {w});  // w: 0.71, 0.71, 0.71
//
// Sutskever, Martens, Dahl and Hinton, "On the importance of initialization and
// momentum in deep learning", 2013, for Nesterov's momentum.
struct Momentum {
  Hyperparameter learning_rate;  // alpha
  Hyperparameter momentum;       // mu
  bool use_nesterov = false;     // Whether to look one step ahead.
  std::string name = {};         // Replaces the class name in tables.

  Slots accumulated_momentum = Slots();   // m, made by the first apply.
  Variable step = detail::unused_step();  // [], calls of apply; for schedules.

  // It has none before the first step.
  static constexpr bool allow_empty_variables = true;

  // Changes each parameter in place by its update: a gradient of its shape,
  // dtype and device, dense or sparse in the first dimension (rows). An
  // undefined update skips its parameter. A sparse one changes the rows that it
  // has of the parameter and of m, and leaves the others as they are; updates
  // of the same row are summed first. Hyper-parameters are cast to the dtype of
  // the update; half types are computed in float32.
  //
  // The first call makes m for all its parameters; later ones may have some of
  // them, in any order.
  //
  // Throws ValueError, before anything has changed, when the lists differ in
  // length or are empty, all updates are undefined, an update differs from its
  // parameter in dtype, shape or device, or a parameter is unknown or given
  // twice.
  void apply(const std::vector<at::Tensor>& updates,
             const std::vector<Variable>& parameters) const;

  // Makes what the first `apply` would make, so that a checkpoint can be read
  // before it; adds what is missing for new parameters.
  void initialize(const std::vector<Variable>& parameters) const;
};

}  // namespace snt::optimizers
