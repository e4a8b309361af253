// File: nets/dnc/read.h
// Reading the memory of a differentiable neural computer.

#pragma once

#include <ATen/core/Tensor.h>

#include "sonnet/core/activation.h"

namespace snt::nets::dnc::read {

// The words that weights read: weights times memory.
//
//   memory   [batch, memory_size, word_size]
//   weights  [batch, num_reads, memory_size]
//   returns  [batch, num_reads, word_size]
//
// `squash_op` is applied to what is returned if `squash_after_access`.
// `squash_before_access` has no effect: Sonnet drops what it computes there.
//
//     at::Tensor words = snt::nets::dnc::read::read(
//         at::ones({2, 5, 3}), at::ones({2, 4, 5}));  // words: [2, 4, 3]
//
// Throws ValueError for shapes that do not fit. Source: sonnet/src/nets/dnc/
// read.py.
at::Tensor read(const at::Tensor& memory, const at::Tensor& weights,
                const Activation& squash_op = activations::tanh,
                bool squash_before_access = true,
                bool squash_after_access = false);

}  // namespace snt::nets::dnc::read
