// File: examples/support/corpus.h
// Text as tensors, for the character models.

#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <utility>
#include <vector>

namespace examples {

// A text cut into training and held-out parts, each character as its number.
struct Corpus {
  std::string alphabet;   // Character of each number.
  at::Tensor train;       // [N] int64, about nine tenths.
  at::Tensor held_out;    // [M] int64, the rest, taken in blocks throughout.
  double single_entropy;  // Bits of a character of held_out, from the
  double pair_entropy;    // frequencies of train: alone, after another.
  size_t num_files;

  // The number of different characters.
  int64_t size() const { return static_cast<int64_t>(alphabet.size()); }
  // One line about it.
  std::string summary() const;
  // A model's bits beside those of counting.
  std::string compare(double bits) const;
};

// Reads the files, or where there are none the C++ sources of this project.
// Characters other than printable ASCII and newlines become '?'.
//
// Throws std::runtime_error for a file that cannot be read, a directory, or a
// text too short for contexts of `context` characters.
Corpus read_corpus(const std::vector<std::string>& files, int64_t context);

// Contexts [B, context] at the given starts [B], and the character after each
// [B].
std::pair<at::Tensor, at::Tensor> windows(const at::Tensor& text,
                                          const at::Tensor& starts,
                                          int64_t context);

// The text read at `count` places at once, as many characters apart: chunks of
// [length + 1, count], each of which begins with the last characters of the one
// before it. The last one may be shorter.
//
// Throws std::runtime_error when there is no whole chunk.
std::vector<at::Tensor> chunks(const at::Tensor& text, int64_t count,
                               int64_t length);

}  // namespace examples
