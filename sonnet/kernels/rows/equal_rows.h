// File: kernels/rows/equal_rows.h
// Rows of a sparse gradient, each of them once.

#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <vector>

namespace snt::kernels {

// The different numbers of some rows, in the order in which they come first,
// and for each of them the sum of the rows of that number, added up in their
// order; the row itself where there is one only.
struct DistinctRows {
  std::vector<int64_t> numbers;
  std::vector<const float*> sums;  // In the rows given, or in `memory`.
  at::Tensor memory;
};

//   numbers  [N], contiguous int64     rows  [N, columns], contiguous float32
//
// `are_distinct` says that no two numbers are equal. Nothing when a number is
// outside of [0, limit). The same bits for any number of threads; N < 2^31.
std::optional<DistinctRows> sum_equal_rows(const at::Tensor& numbers,
                                           const at::Tensor& rows,
                                           int64_t limit, bool are_distinct);

}  // namespace snt::kernels
