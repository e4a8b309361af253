// File: kernels/products/panels.h
// Matrices packed for kernels/products/tile_product.h.

#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace snt::kernels {

// The rows of some float32 matrices of N columns, one below the other, in
// panels [depth, 2 W], where W is vector_width(). Columns that do not exist are
// zeros.
class Panels {
 public:
  Panels() = default;  // None.

  // Panel p holds the columns from 2 W p on.
  static Panels of_columns(const std::vector<at::Tensor>& matrices);

  // Columns are an even number of gates, for as many units each. Panels with W
  // units of two gates each: gates 0 and 1 of the first W units, 2 and 3, ...,
  // then those of the next W units.
  static Panels of_gates(const std::vector<at::Tensor>& matrices,
                         int64_t gates);

  const float* data() const {
    return memory_.defined() ? memory_.data_ptr<float>() : nullptr;
  }

 private:
  struct Place {
    int64_t column, count;  // Of one vector; the count may be < 1.
  };
  template <class PlaceOf>
  Panels(const std::vector<at::Tensor>& matrices, int64_t count,
         const PlaceOf& place_of);

  at::Tensor memory_;
};

}  // namespace snt::kernels
