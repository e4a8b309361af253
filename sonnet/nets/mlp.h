// File: nets/mlp.h
// A multi-layer perceptron.

#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <string>
#include <vector>

#include "sonnet/core/activation.h"
#include "sonnet/core/initializer.h"
#include "sonnet/core/required.h"
#include "sonnet/layers/bool_like.h"
#include "sonnet/layers/linear.h"

namespace snt::nets {

namespace detail {
// The layers of an MLP, named linear_0, linear_1, ...
std::vector<Linear> make_linears(const std::vector<int64_t>& output_sizes,
                                 const Initializer& w_init,
                                 const Initializer& b_init, bool with_bias);
}  // namespace detail

// Linear layers with an activation between them:
// y = L_n(act(... act(L_1(x)))).
//
//   x  [batch..., input_size]        rank >= 2
//   y  [batch..., output_sizes[-1]]  dtype of x
//
// Variables are created on the first call. Copies share them.
//
//     snt::nets::MLP mlp{.output_sizes = {300, 100, 10}};
//     at::Tensor y = mlp(at::ones({8, 784}));  // y: [8, 10]
//
// With a dropout rate, dropout follows each layer that is activated, and calls
// need to say whether they train.
//
// Throws ValueError as Linear does, for is_training without dropout and for
// dropout without is_training. Source: sonnet/src/nets/mlp.py.
struct MLP {
  Required<std::vector<int64_t>> output_sizes;  // One Linear each.
  Initializer w_init = {};  // Of every layer; unset: Linear's default.
  Initializer b_init = {};  // Of every layer; must be unset if !with_bias.
  bool with_bias = true;    // Whether layers add a bias.
  Activation activation = activations::relu;  // Between layers.
  std::optional<double> dropout_rate = {};    // In [0, 1); unset or 0: none.
  bool activate_final = false;  // Whether the last layer is activated too.
  std::string name = {};        // Replaces the field's name in tables.

  // One Linear for each size; paths layers/0/w, layers/0/b, ...
  std::vector<Linear> layers =
      detail::make_linears(output_sizes, w_init, b_init, with_bias);

  // Throws ValueError for options that contradict each other.
  void check() const;

  // y = L_n(act(... act(L_1(x)))).
  at::Tensor operator()(const at::Tensor& x,
                        const std::optional<BoolLike>& is_training = {}) const;

  // A new MLP, with weights of its own, that goes back from y to the shape of
  // x. Its name is this one's with "_reversed", unless one is given.
  //
  // Throws NotBuiltError before the first call.
  MLP reverse(std::optional<bool> activate_final = {},
              const std::optional<std::string>& name = {}) const;
};

}  // namespace snt::nets
