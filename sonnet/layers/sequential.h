// File: layers/sequential.h
// Layers one after the other.

#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <span>
#include <string>
#include <vector>

#include "sonnet/core/layer.h"

namespace snt {

// Calls its layers one after the other: y = layer_n(... layer_1(x)).
//
// Layers are modules, lambdas or functions; `layers` may grow at any time. Each
// gives the input of the next; further arguments go to the first layer only.
// Without layers y is x. Copies share their layers.
//
//     snt::Sequential net{{snt::Linear{32}, snt::activations::relu,
//                          snt::Linear{10}}};
//     net.layers.push_back(snt::activations::softmax);
//     at::Tensor y = net(at::ones({8, 4}));  // y: [8, 10]
//
// Throws what the layers throw, and TypeError when a layer gives what the next
// does not take. Source: sonnet/src/sequential.py.
struct Sequential {
  std::vector<Layer> layers = {};  // Modules and functions.
  std::string name = {};           // Replaces the field's name in tables.

  // y = layer_n(... layer_1(x)).
  at::Tensor operator()(const at::Tensor& x) const;
  // The same with further arguments for the first layer.
  template <class... Args>
  requires(sizeof...(Args) > 0) at::Tensor operator()(
      const at::Tensor& x, const Args&... args) const {
    const std::array<Nest, 1 + sizeof...(Args)> nests = {Nest(x),
                                                         to_nest(args)...};
    return call(std::span<const Nest>(nests)).tensor();
  }
  // The same with any nests; a layer's whole output is the next one's input.
  Nest call(std::span<const Nest> args) const;
};

}  // namespace snt
