// File: layers/embed.h
// A table of vectors, looked up by number.

#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <string>

#include "sonnet/core/initializer.h"
#include "sonnet/core/variable.h"

namespace snt {

// Maps integers to rows of a table: y[...] = embeddings[ids[...]].
//
//   ids  any shape, int32 or int64, each in [0, vocab_size)
//   y    [shape of ids..., embed_dim]  of `dtype`
//
// The table is created on the first call, on the device of ids. (Sonnet creates
// it at once.) Copies share it.
//
//     snt::Embed embed{.vocab_size = 100, .embed_dim = 16};
//     at::Tensor y = embed(at::arange(5));  // y: [5, 16]
//
// Throws ValueError for ids out of range and options that contradict each
// other, TypeError for ids that are no integers. Source: sonnet/src/embed.py.
struct Embed {
  std::optional<int64_t> vocab_size = {};  // Rows. This or existing_vocab.
  // Columns; unset: 6 * vocab_size^(1/4), rounded.
  std::optional<int64_t> embed_dim = {};
  at::Tensor existing_vocab = {};     // [rows, columns] instead of the above.
  bool densify_gradients = false;     // Dense gradients; else sparse rows.
  Initializer initializer = {};       // Unset: TruncatedNormal(0, 1).
  bool trainable = true;              // Whether training changes the table.
  at::ScalarType dtype = at::kFloat;  // Of the table.
  std::string name = {};              // Replaces the field's name in tables.

  Variable embeddings = {};  // [vocab_size, embed_dim]

  // Throws ValueError when nothing or too much is given.
  void check() const;

  // The rows of the ids.
  at::Tensor operator()(const at::Tensor& ids) const;
};

// The number of columns that Embed takes when none is given:
// 6 vocab_size^(1/4), rounded half to even.
//
//     int64_t columns = snt::embedding_dim(1000);  // 34
//
// Throws ValueError when vocab_size <= 0.
int64_t embedding_dim(int64_t vocab_size);

}  // namespace snt
