// File: nets/dnc/write.h
// Writing the memory of a differentiable neural computer. Everywhere
//
//   memory   [batch, memory_size, word_size]
//   address  [batch, num_writes, memory_size]
//   returns  [batch, memory_size, word_size]
//
// An address w says how much each head means each row. Source: Graves et al.
// 2014, https://arxiv.org/abs/1410.5401, equations 3 and 4;
// sonnet/src/nets/dnc/write.py.

#pragma once

#include <ATen/core/Tensor.h>

namespace snt::nets::dnc::write {

// Adds values [batch, num_writes, word_size]: M + w^T a.
//
//     at::Tensor memory = snt::nets::dnc::write::additive_write(
//         at::zeros({2, 5, 3}), at::ones({2, 4, 5}),
//         at::ones({2, 4, 3}));  // memory: all 4
//
// Throws ValueError for shapes that do not fit, as all here.
at::Tensor additive_write(const at::Tensor& memory, const at::Tensor& address,
                          const at::Tensor& values);

// Erases parts of words by reset_weights e [batch, num_writes, word_size] in
// [0, 1]: M(i) times the product over heads of (1 - w(i) e).
at::Tensor erase(const at::Tensor& memory, const at::Tensor& address,
                 const at::Tensor& reset_weights);

// Erases whole rows by reset_row_weights e [batch, num_writes]: M(i) times the
// product over heads of (1 - w(i) e).
at::Tensor erase_rows(const at::Tensor& memory, const at::Tensor& address,
                      const at::Tensor& reset_row_weights);

// erase, then additive_write.
at::Tensor erase_and_write(const at::Tensor& memory, const at::Tensor& address,
                           const at::Tensor& reset_weights,
                           const at::Tensor& values);

}  // namespace snt::nets::dnc::write
