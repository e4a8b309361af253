#include "sonnet/kernels/products/panels.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstring>

#include "sonnet/kernels/parallel.h"
#include "sonnet/kernels/products/tile_product.h"

namespace snt::kernels {
namespace {

// Writes columns [column, column + count) of a matrix as one vector of a panel,
// of which `to` is the place in its first row.
void pack_columns(const at::Tensor& matrix, int64_t column, int64_t count,
                  int64_t width, float* to) {
  const int64_t rows = matrix.size(0), row_size = 2 * width;
  if (count < width) {
    for (int64_t k = 0; k < rows; ++k) {
      std::fill_n(to + k * row_size, width, 0.0f);
    }
  }
  if (count < 1) return;

  const int64_t row_stride = matrix.stride(0), stride = matrix.stride(1);
  const float* const from = matrix.data_ptr<float>() + column * stride;
  if (stride == 1) {
    for (int64_t k = 0; k < rows; ++k) {
      std::memcpy(to + k * row_size, from + k * row_stride,
                  static_cast<size_t>(count) * sizeof(float));
    }
    return;
  }
  constexpr int64_t kBlock = 16;  // Rows whose lines are written together.
  for (int64_t first = 0; first < rows; first += kBlock) {
    const int64_t last = std::min(first + kBlock, rows);
    for (int64_t j = 0; j < count; ++j) {
      for (int64_t k = first; k < last; ++k) {
        to[k * row_size + j] = from[k * row_stride + j * stride];
      }
    }
  }
}

}  // namespace

template <class PlaceOf>
Panels::Panels(const std::vector<at::Tensor>& matrices, int64_t count,
               const PlaceOf& place_of) {
  const int64_t width = vector_width();
  int64_t depth = 0;
  for (const at::Tensor& matrix : matrices) depth += matrix.size(0);
  const int64_t size = depth * 2 * width;
  memory_ = at::empty({count, size}, at::kFloat);
  float* const data = memory_.data_ptr<float>();
  parallel_for_each(count, [&](int64_t panel) {
    for (int64_t half = 0; half < 2; ++half) {
      const Place place = place_of(panel, half);
      float* to = data + panel * size + half * width;
      for (const at::Tensor& matrix : matrices) {
        pack_columns(matrix, place.column, std::min(place.count, width), width,
                     to);
        to += matrix.size(0) * 2 * width;
      }
    }
  });
}

Panels Panels::of_columns(const std::vector<at::Tensor>& matrices) {
  const int64_t width = vector_width(), columns = matrices[0].size(1);
  return Panels(matrices, (columns + 2 * width - 1) / (2 * width),
                [&](int64_t panel, int64_t half) {
                  const int64_t column = (2 * panel + half) * width;
                  return Place{column, columns - column};
                });
}

Panels Panels::of_gates(const std::vector<at::Tensor>& matrices,
                        int64_t gates) {
  const int64_t width = vector_width(), pairs = gates / 2;
  const int64_t units = matrices[0].size(1) / gates;
  return Panels(matrices, (units + width - 1) / width * pairs,
                [&](int64_t panel, int64_t half) {
                  const int64_t unit = panel / pairs * width;
                  const int64_t gate = panel % pairs * 2 + half;
                  return Place{gate * units + unit, units - unit};
                });
}

}  // namespace snt::kernels
