#include "sonnet/layers/sequential.h"

#include "sonnet/core/errors.h"

namespace snt {

at::Tensor Sequential::operator()(const at::Tensor& x) const {
  at::Tensor y = x;
  for (const Layer& layer : layers) {
    if (!layer.maps_tensor()) {  // Something else may pass between layers.
      const Nest nest(x);
      return call(std::span<const Nest>(&nest, 1)).tensor();
    }
  }
  for (const Layer& layer : layers) y = layer(y);
  return y;
}

Nest Sequential::call(std::span<const Nest> args) const {
  check<TypeError>(!args.empty(), "Sequential", "needs an input");
  Nest y = args[0];
  for (size_t i = 0; i < layers.size(); ++i) {
    y = i == 0 ? layers[i].call(args)
               : layers[i].call(std::span<const Nest>(&y, 1));
  }
  return y;
}

}  // namespace snt
