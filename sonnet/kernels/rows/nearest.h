// File: kernels/rows/nearest.h
// The nearest of K vectors for each of N, in one pass: a few rows of distances
// are computed, searched and written while they are in the cache.

#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace snt::kernels {

// What is known of the nearest columns e of a table [D, K] for the rows x of
// [N, D].
struct Nearest {
  at::Tensor distances;   // [N, K]: (|x|^2 - 2 x e) + |e|^2
  at::Tensor encodings;   // [N, K]: 1 at the nearest, else 0.
  at::Tensor indices;     // [N], int64: the first of the least, or of the NaN.
  at::Tensor quantized;   // [N, D]: x + (e - x)
  at::Tensor embeddings;  // [K, D]: the columns as rows.
  double error = 0;       // The sum of all (e - x)^2.
  bool is_finite = true;  // Whether all |x|^2 are.
};

// Both are plain tensors with elements (plain.h), x is contiguous.
Nearest find_nearest(const at::Tensor& x, const at::Tensor& table);

// The rows that chose each of K columns, in their order.
struct Choosers {
  std::vector<int64_t> starts;  // [K + 1]: those of k begin at starts[k].
  std::vector<int64_t> rows;    // [N]
};
Choosers choosers(const at::Tensor& indices, int64_t k);

// s[k] = the sum of x[n] over those that chose k, minus as many `shifts`[k] if
// those are defined. The same bits for any number of threads.
//
//   x  [N, D]   shifts  [K, D]   s  [K, D]
at::Tensor sum_rows(const at::Tensor& x, const at::Tensor& shifts,
                    const Choosers& who);

// y[n] = d[n] + factor (x[n] - embeddings[indices[n]]); undefined d are zero.
at::Tensor pull(const at::Tensor& d, const at::Tensor& x,
                const at::Tensor& embeddings, const at::Tensor& indices,
                float factor);

}  // namespace snt::kernels
