// File: optimizers/decay_weights.h
// Weight decay that is apart from the gradient.

#pragma once

#include <vector>

#include "sonnet/core/variable.h"

namespace snt::optimizers {

// Shrinks variables in place: p <- (1 - amount) p. Called next to an
// optimizer's step with its learning rate times the decay, on the variables
// that shall decay (usually the weights and not the biases, see `select`), this
// is the decoupled decay of AdamW and SGDW.
//
//     snt::Variable w(at::ones({3}));
//     const double learning_rate = 0.1;
//     snt::optimizers::decay_weights({w}, learning_rate * 0.5);  // w: 0.95
//
// Loshchilov and Hutter, "Decoupled Weight Decay Regularization", 2019.
//
// Throws ValueError, before anything has changed, unless 0 <= amount <= 1, and
// NotBuiltError for a variable that has no value.
void decay_weights(const std::vector<Variable>& variables, double amount);

}  // namespace snt::optimizers
