// File: functional/optimizers.h
// Optimizers as pure functions.

#pragma once

#include <ATen/core/Tensor.h>

#include <utility>
#include <vector>

#include "sonnet/functional/overlay.h"
#include "sonnet/functional/params.h"
#include "sonnet/optimizers/adam.h"
#include "sonnet/optimizers/momentum.h"
#include "sonnet/optimizers/rmsprop.h"
#include "sonnet/optimizers/sgd.h"

namespace snt::functional {

// Parameters and the state of their optimizer after a step.
struct Stepped {
  Params params;     // The new parameters.
  Params opt_state;  // The new state.
};

namespace detail {

// One for each of `params`: those of `updates`, or zeros.
std::vector<at::Tensor> updates_for(const Params& params,
                                    const Params& updates);
std::vector<at::Tensor> zeros_for(const Params& params);
Params without(const Params& all, const Params& some);

}  // namespace detail

// An optimizer in two pure halves; made by `optimizer` and its kin.
template <class Optimizer>
struct TransformedOptimizer {
  Optimizer optimizer;  // Its variables are never changed.

  // The state before the first step: every variable of the optimizer, its
  // hyper-parameters included.
  Params init(const Params& params) const {
    detail::InitScope scope(params);
    const std::vector<Variable> variables = params.variables();
    if constexpr (requires { optimizer.initialize(variables); }) {
      optimizer.initialize(variables);
    }
    optimizer.apply(detail::zeros_for(params), variables);
    const auto found = scope.finish();
    Params state = detail::without(found.state, params);
    for (const auto& [variable, value] :
         detail::without(found.params, params)) {
      state.set(variable, value);
    }
    return state;
  }

  // Parameters and state after a step with `updates`: a tensor for each of the
  // parameters, in any order. An undefined one leaves its parameter as it is.
  //
  // Throws ValueError where the optimizer does, and when an update is missing.
  Stepped apply(const Params& opt_state, const Params& updates,
                const Params& params) const {
    detail::ApplyScope scope(params, opt_state);
    optimizer.apply(detail::updates_for(params, updates), params.variables());
    return {scope.now(params), scope.now(opt_state)};
  }
};

// An optimizer (anything with `apply`, as those of snt::optimizers) as two pure
// functions.
//
//     snt::Linear linear{1};
//     auto f = snt::functional::transform([=](const at::Tensor& x) {
//       return (linear(x) - 1).square().mean();
//     });
//     at::Tensor x = at::ones({4, 2});
//     auto params = f.init(x);
//     auto adam = snt::functional::optimizer(
//         snt::optimizers::Adam{.learning_rate = 0.01});
//     auto opt_state = adam.init(params);
//     auto gradients = snt::functional::grad(f.apply)(params, x);
//     auto [after, opt_after] = adam.apply(opt_state, gradients, params);
//
// See sonnet/src/functional/optimizers.py.
template <class Optimizer>
TransformedOptimizer<Optimizer> optimizer(Optimizer options) {
  return {std::move(options)};
}

// The optimizers of snt::optimizers with the options given.
//
//     auto sgd = snt::functional::sgd({.learning_rate = 0.1});
//     auto adam = snt::functional::adam({.learning_rate = 0.01});
inline TransformedOptimizer<optimizers::SGD> sgd(optimizers::SGD options) {
  return {std::move(options)};
}
// Adam; see `sgd`.
inline TransformedOptimizer<optimizers::Adam> adam(
    optimizers::Adam options = {}) {
  return {std::move(options)};
}
// RMSProp; see `sgd`.
inline TransformedOptimizer<optimizers::RMSProp> rmsprop(
    optimizers::RMSProp options) {
  return {std::move(options)};
}
// Momentum; see `sgd`.
inline TransformedOptimizer<optimizers::Momentum> momentum(
    optimizers::Momentum options) {
  return {std::move(options)};
}

}  // namespace snt::functional
