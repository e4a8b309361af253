// File: examples/support/spectral_norm.h
// A module of one's own, made of a module of the library.

#pragma once

#include <ATen/core/Tensor.h>

#include "sonnet/core/variable.h"
#include "sonnet/layers/linear.h"

namespace examples {

// A Linear whose w has a largest singular value of about 1: each call that
// trains improves an estimate of its first right singular vector by a step of
// power iteration, and divides w by the singular value that this gives:
//
//   v <- u w^T / |u w^T|
//   u <- v w / |v w|
//   w <- w / (v w u^T)
//
// Miyato et al. 2018, "Spectral Normalization for Generative Adversarial
// Networks", algorithm 1; as in Sonnet's little_gan_on_mnist the variable w
// itself is changed.
struct SpectrallyNormedLinear {
  snt::Linear linear;  // Its options are this one's.

  snt::Variable u = snt::Variable::state();  // [1, output_size], not trained.

  // y = x w + b, with the new w if `is_training`.
  at::Tensor operator()(const at::Tensor& x, bool is_training) const;
};

}  // namespace examples
