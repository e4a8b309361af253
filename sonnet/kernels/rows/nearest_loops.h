// File: kernels/rows/nearest_loops.h
// The loops of nearest.cc, for the best instruction set of the processor.

#pragma once

#include <cstdint>

namespace snt::kernels {

// Some rows of x, and where their results go. W is vector_width().
struct NearestArgs {
  int64_t rows, depth;      // x is [rows, depth].
  int64_t columns, padded;  // K, and K rounded up to 2 W.
  const float* x;
  const float* panels;      // Of the table [depth, K]; see panels.h.
  const float* squares;     // [padded]: |e|^2; infinite from K on.
  const float* embeddings;  // [K, depth]
  float* products;          // [nearest_tile(), padded], for x e.
  float* distances;         // [rows, K]: (|x|^2 - 2 x e) + |e|^2
  float* encodings;         // [rows, K]: 1 at the least distance, else 0.
  int64_t* indices;         // [rows]: its column; a NaN is less than any.
  float* quantized;         // [rows, depth]: x + (e - x)
  double error;             // Result: the sum of all (e - x)^2.
  bool is_finite;           // Result: whether all |x|^2 are.
};
void run_NearestRows(NearestArgs& args);

// Rows of x that are multiplied at once.
int64_t nearest_tile();

}  // namespace snt::kernels
