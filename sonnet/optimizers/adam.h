// File: optimizers/adam.h
// Adam: gradients divided by their moving root mean square, with momentum.

#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "sonnet/core/hyperparameter.h"
#include "sonnet/core/variable.h"
#include "sonnet/optimizers/slots.h"
#include "sonnet/optimizers/step.h"

namespace snt::optimizers {

// Changes theta, m and v by step t (1 for the first) of Adam, in place, given
// the gradient g:
//
//   m <- beta_1 m + (1 - beta_1) g
//   v <- beta_2 v + (1 - beta_2) g^2
//   m_hat = m / (1 - beta_1^t)
//   v_hat = v / (1 - beta_2^t)
//   theta <- theta - alpha m_hat / (sqrt(v_hat) + epsilon)
//
// All tensors have the same shape and a floating dtype; gradients must be off.
//
// Kingma and Ba, "Adam: A Method for Stochastic Optimization", 2015, algorithm
// 1, in the more efficient order of the end of its section 2.
void adam_update(const at::Tensor& theta, const at::Tensor& g, double alpha,
                 double beta_1, double beta_2, double epsilon, int64_t t,
                 const at::Tensor& m, const at::Tensor& v);

// Adam: see `adam_update`.
//
//     snt::Variable w(at::ones({3}));
//     snt::optimizers::Adam adam{.learning_rate = 0.01};
//     adam.apply({at::full({3}, 5.0)}, {w});  // w: 0.99, 0.99, 0.99
//     adam.learning_rate = snt::schedules::Cosine{.start = 0.01,
//                                                 .steps = 1000};
//
// A weight decay that is apart from the gradient is `decay_weights`.
struct Adam {
  Hyperparameter learning_rate = 0.001;  // alpha
  Hyperparameter beta1 = 0.9;            // How slowly m follows.
  Hyperparameter beta2 = 0.999;          // How slowly v follows.
  Hyperparameter epsilon = 1e-8;         // Keeps the divisor away from zero.
  std::string name = {};                 // Replaces the class name in tables.

  Variable step = detail::new_step();  // [] int64, calls of apply; from 0.
  Slots m = Slots();                   // Made by the first apply.
  Slots v = Slots();                   // Made by the first apply.

  // Changes each parameter in place by its update: a gradient of its shape,
  // dtype and device, dense or sparse in the first dimension (rows). An
  // undefined update skips its parameter. A sparse one changes the rows that it
  // has of the parameter and of m and v, and leaves the others as they are;
  // updates of the same row are summed first. Hyper-parameters are cast to the
  // dtype of the update (but epsilon not to half types, where it would be
  // zero); half types are computed in float32.
  //
  // The first call makes m and v for all its parameters; later ones may have
  // some of them, in any order.
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
