// File: optimizers/rmsprop.h
// RMSProp: gradients divided by a moving root mean square.

#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "sonnet/core/hyperparameter.h"
#include "sonnet/core/variable.h"
#include "sonnet/optimizers/slots.h"
#include "sonnet/optimizers/step.h"

namespace snt::optimizers {

// Changes theta, mom, ms and mg by one step of RMSProp with learning rate alpha
// and momentum mu, in place, given the gradient g:
//
//   ms <- decay ms + (1 - decay) g^2
//   mg <- decay mg + (1 - decay) g                       if centered
//   mom <- mu mom + alpha g / sqrt(ms - mg^2 + epsilon)  mg = 0 if not centered
//   theta <- theta - mom
//
// All have the same shape and a floating dtype; gradients must be off. An
// undefined mg says that it is not centered.
void rmsprop_update(const at::Tensor& theta, const at::Tensor& g, double alpha,
                    double decay, double mu, double epsilon,
                    const at::Tensor& mom, const at::Tensor& ms,
                    const at::Tensor& mg);

// RMSProp: see `rmsprop_update`. The momentum includes the learning rate and
// epsilon is inside the square root, unlike in torch::optim.
//
//     snt::Variable w(at::ones({3}));
//     snt::optimizers::RMSProp rmsprop{.learning_rate = 0.01};
//     rmsprop.apply({at::ones({3})}, {w});  // w: 0.9684, 0.9684, 0.9684
//
// Tieleman and Hinton, "Lecture 6.5 - RMSProp: Divide the gradient by a running
// average of its recent magnitude", Coursera, 2012. Centered: Graves,
// "Generating Sequences With Recurrent Neural Networks", 2013, equations 38 to
// 41.
struct RMSProp {
  Hyperparameter learning_rate;    // alpha
  Hyperparameter decay = 0.9;      // How slowly ms and mg follow.
  Hyperparameter momentum = 0.0;   // mu
  Hyperparameter epsilon = 1e-10;  // Keeps the root away from zero.
  bool centered = false;           // Whether to divide by a variance.
  std::string name = {};           // Replaces the class name in tables.

  Slots mom = Slots("momentum");          // Made by the first apply.
  Slots ms = Slots("rms");                // Made by the first apply.
  Slots mg = Slots();                     // The same, if centered.
  Variable step = detail::unused_step();  // [], calls of apply; for schedules.

  // It has none before the first step.
  static constexpr bool allow_empty_variables = true;

  // Changes each parameter in place by its update: a gradient of its shape,
  // dtype and device, dense or sparse in the first dimension (rows). An
  // undefined update skips its parameter. A sparse one changes the rows that it
  // has of the parameter and of mom, ms and mg, and leaves the others as they
  // are; updates of the same row are summed first. Hyper-parameters are cast to
  // the dtype of the update (but epsilon not to half types, where it would be
  // zero); half types are computed in float32.
  //
  // The first call makes mom, ms and mg for all its parameters; later ones may
  // have some of them, in any order.
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
