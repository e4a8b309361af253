// File: layers/affine_weights.h
// The weights of Linear and ParallelLinears; for .cc files of this library
// only.

#pragma once

#include <ATen/core/Tensor.h>

#include <cmath>

#include "sonnet/core/errors.h"
#include "sonnet/core/initializer.h"
#include "sonnet/core/variable.h"
#include "sonnet/initializers/constant.h"
#include "sonnet/initializers/distributions.h"

namespace snt::detail {

// Throws ValueError for options of a `Layer` that contradict each other.
template <class Layer>
void check_affine_options(const Layer& layer, const char* type) {
  check(layer.output_size >= 0, type, "output_size must be >= 0, got ",
        layer.output_size.value);
  check(layer.with_bias || !layer.b_init, type,
        "When not using a bias the b_init must be None.");
}

// What a layer multiplies with and adds.
struct AffineWeights {
  const at::Tensor& w;  // [..., in, out]
  at::Tensor b;         // Undefined without a bias.
};

// Both, created like `x` if this is the first call.
//
// Throws TypeError when x has another dtype than w.
template <class Layer>
AffineWeights affine_weights(const Layer& layer, const Who& who,
                             const at::Tensor& x, at::IntArrayRef w_shape,
                             at::IntArrayRef b_shape) {
  const auto in = static_cast<double>(w_shape[w_shape.size() - 2]);
  const at::Tensor& w = layer.w.create(
      w_shape, x, layer.w_init,
      initializers::TruncatedNormal{.stddev = 1 / std::sqrt(in)});
  check<TypeError>(x.scalar_type() == w.scalar_type(), who,
                   "x must have dtype ", w.scalar_type(), " like w, got ",
                   x.scalar_type());
  if (!layer.with_bias) {
    layer.b.omit();
    return {w, {}};
  }
  return {w, layer.b.create(b_shape, x, layer.b_init, initializers::Zeros())};
}

}  // namespace snt::detail
