// File: nets/vector_quantizer.h
// Vectors as the nearest of some learned ones.

#pragma once

#include <ATen/core/Tensor.h>

#include <string>

#include "sonnet/core/hyperparameter.h"
#include "sonnet/core/required.h"
#include "sonnet/core/variable.h"
#include "sonnet/layers/bool_like.h"

namespace snt::nets {

// What a vector quantizer says about N vectors of length D: which of its K
// embeddings is the nearest to each.
struct VectorQuantizerOutput {
  at::Tensor quantize;    // The nearest; shape and gradient of the inputs.
  at::Tensor loss;        // To be minimised; no dimensions.
  at::Tensor perplexity;  // exp(entropy of the choices), from 1 to K.
  at::Tensor encodings;   // [N, K], 1 at the nearest, else 0.
  at::Tensor encoding_indices;  // int64 number of the nearest; [batch...].
  at::Tensor distances;         // [N, K], squared.
};

// The layer of a VQ-VAE: replaces each vector by the nearest embedding e, and
// gives the loss that pulls both together, where sg stops gradients:
//
//   loss = mean((e - sg(x))^2) + commitment_cost mean((sg(e) - x)^2)
//
//   x         [batch..., embedding_dim] of `dtype`
//   quantize  [batch..., embedding_dim], e; its gradient goes to x unchanged
//
// The embeddings are created on the first call, on the device of x. Copies
// share them. Among equally near ones the first is taken. An empty batch has a
// loss and perplexity of NaN.
//
//     snt::nets::VectorQuantizer quantizer{.embedding_dim = 4,
//                                          .num_embeddings = 16,
//                                          .commitment_cost = 0.25};
//     auto out = quantizer(at::randn({8, 5, 4}), /*is_training=*/true);
//     at::Tensor y = out.quantize;  // [8, 5, 4]
//
// Throws ValueError when the last dimension of x is not embedding_dim,
// TypeError when x has another dtype. Source: van den Oord et al. 2017, "Neural
// Discrete Representation Learning"; sonnet/src/nets/vqvae.py.
struct VectorQuantizer {
  Required<int64_t> embedding_dim;    // Length of a vector, D > 0.
  Required<int64_t> num_embeddings;   // Number of embeddings, K > 0.
  Hyperparameter commitment_cost;     // How much x is pulled towards e.
  at::ScalarType dtype = at::kFloat;  // Of the embeddings.
  std::string name = {};              // Replaces the field's name in tables.

  // [embedding_dim, num_embeddings]; at first uniform with variance 1 / D.
  Variable embeddings = {};

  // Throws ValueError for options that are not allowed.
  void check() const;

  // The nearest embeddings and all that is known of them. Nothing depends on
  // is_training, which VectorQuantizerEMA needs.
  VectorQuantizerOutput operator()(const at::Tensor& x,
                                   const BoolLike& is_training) const;

  // The embeddings of these numbers: [shape of encoding_indices..., D].
  //
  // Throws ValueError for numbers out of range, TypeError unless they are int32
  // or int64.
  at::Tensor quantize(const at::Tensor& encoding_indices) const;
};

}  // namespace snt::nets
