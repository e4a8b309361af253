// File: core/activation.h
// Functions of one tensor, with names that printing and JSON know.

#pragma once

#include <ATen/core/Tensor.h>

#include <string_view>
#include <vector>

#include "sonnet/core/callable.h"

namespace snt {

// A function with a name. It can be called, is a Layer and an Activation.
struct NamedFunction {
  // Marks the type for printing and JSON.
  static constexpr bool is_named_function = true;
  static constexpr bool is_module = false;

  std::string_view name;                      // As printed and stored.
  at::Tensor (*function)(const at::Tensor&);  // What it computes.

  // y = function(x).
  at::Tensor operator()(const at::Tensor& x) const { return function(x); }
};

// Any function of one tensor: one of snt::activations, which print and store
// by name, or a callable of one's own.
//
//     snt::Activation squash = snt::activations::tanh;
//     snt::Activation twice = [](const at::Tensor& x) { return 2 * x; };
using Activation = Callable<at::Tensor(const at::Tensor&)>;

namespace activations {

extern const NamedFunction relu;         // max(x, 0)
extern const NamedFunction relu6;        // min(max(x, 0), 6)
extern const NamedFunction leaky_relu;   // x, or 0.2 x below 0, as TensorFlow
extern const NamedFunction elu;          // x, or exp(x) - 1 below 0
extern const NamedFunction selu;         // Klambauer et al. 2017
extern const NamedFunction gelu;         // x * Phi(x), exact
extern const NamedFunction silu;         // x * sigmoid(x)
extern const NamedFunction tanh;         // hyperbolic tangent
extern const NamedFunction sigmoid;      // 1 / (1 + exp(-x))
extern const NamedFunction softplus;     // log(1 + exp(x))
extern const NamedFunction softsign;     // x / (1 + |x|)
extern const NamedFunction softmax;      // over the last dimension
extern const NamedFunction log_softmax;  // over the last dimension
extern const NamedFunction exp;          // e^x
extern const NamedFunction abs;          // |x|
extern const NamedFunction square;       // x^2
extern const NamedFunction identity;     // x

// All of them.
const std::vector<NamedFunction>& all();

}  // namespace activations
}  // namespace snt
