// File: optimizers/all_optimizers_test.h
// All optimizers, for tests of what they share. For tests only.

#pragma once

#include <gtest/gtest.h>

#include <type_traits>

#include "sonnet/optimizers/adam.h"
#include "sonnet/optimizers/momentum.h"
#include "sonnet/optimizers/rmsprop.h"
#include "sonnet/optimizers/sgd.h"

namespace snt::optimizers {

using AllOptimizers = testing::Types<SGD, Momentum, RMSProp, Adam>;

// A T with this learning rate.
template <class T>
T make(const Hyperparameter& learning_rate) {
  if constexpr (std::is_same_v<T, Momentum>) {
    return {learning_rate, 0.5};
  } else {
    return {learning_rate};
  }
}

}  // namespace snt::optimizers
