// File: nets/vector_quantizer_ema.h
// Vectors as the nearest of some that follow moving averages.

#pragma once

#include <ATen/core/Tensor.h>

#include <string>

#include "sonnet/core/hyperparameter.h"
#include "sonnet/core/required.h"
#include "sonnet/core/variable.h"
#include "sonnet/layers/bool_like.h"
#include "sonnet/metrics/exponential_moving_average.h"
#include "sonnet/nets/vector_quantizer.h"

namespace snt::nets {

// A VectorQuantizer whose embeddings are not trained: each becomes the moving
// average of the vectors that it was the nearest to. Only x has a loss, where
// sg stops gradients:
//
//   loss = commitment_cost mean((sg(e) - x)^2)
//
// After a call that trains, for the embedding k, with the sum over the vectors
// x_i it was the nearest to:
//
//   c_k = average(number of such x_i)     n = c_1 + ... + c_K
//   e_k = average(sum of such x_i) / ((c_k + epsilon) / (n + K epsilon) n)
//
//   x         [batch..., embedding_dim] of `dtype`
//   quantize  [batch..., embedding_dim], e before the update
//
// Variables are created on the first call, on the device of x. Copies share
// them. The embeddings stay as they are until a vector was seen in training.
//
//     snt::nets::VectorQuantizerEMA quantizer{.embedding_dim = 4,
//                                             .num_embeddings = 16,
//                                             .commitment_cost = 0.25,
//                                             .decay = 0.99};
//     auto out = quantizer(at::randn({8, 5, 4}), /*is_training=*/true);
//     at::Tensor y = out.quantize;  // [8, 5, 4]
//
// Throws ValueError when the last dimension of x is not embedding_dim,
// TypeError when x has another dtype. Source: van den Oord et al. 2017, "Neural
// Discrete Representation Learning", appendix A.1; sonnet/src/nets/vqvae.py.
struct VectorQuantizerEMA {
  Required<int64_t> embedding_dim;    // Length of a vector, D > 0.
  Required<int64_t> num_embeddings;   // Number of embeddings, K > 0.
  Hyperparameter commitment_cost;     // How much x is pulled towards e.
  Required<double> decay;             // Of the averages, in [0, 1].
  double epsilon = 1e-5;              // Keeps c_k away from 0.
  at::ScalarType dtype = at::kFloat;  // Of the embeddings.
  std::string name = {};              // Replaces the field's name in tables.

  // [embedding_dim, num_embeddings]; at first uniform with variance 1 / D.
  Variable embeddings = Variable::state();
  ExponentialMovingAverage ema_cluster_size = {decay};  // [K], the c_k.
  ExponentialMovingAverage ema_dw = {decay};            // [D, K], of the sums.

  // Throws ValueError for options that are not allowed.
  void check() const;

  // The nearest embeddings and all that is known of them; then, if is_training,
  // the embeddings move.
  VectorQuantizerOutput operator()(const at::Tensor& x,
                                   const BoolLike& is_training) const;

  // The embeddings of these numbers: [shape of encoding_indices..., D].
  //
  // Throws ValueError for numbers out of range, TypeError unless they are int32
  // or int64.
  at::Tensor quantize(const at::Tensor& encoding_indices) const;
};

}  // namespace snt::nets
