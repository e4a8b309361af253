#include "sonnet/kernels/rows/nearest_loops.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "sonnet/kernels/products/tile_product.h"
#include "sonnet/kernels/rows/row_loops.h"
#include "sonnet/kernels/simd.h"

namespace snt::kernels {
namespace {

template <class Isa>
SNT_INLINE bool any_lane(const Ints<Isa>& mask) {
  int32_t all = 0;
  for (int i = 0; i < Isa::kWidth; ++i) all |= mask[i];
  return all != 0;
}

template <class Isa>
SNT_INLINE float sum_of_squares(const float* x, int64_t size) {
  Floats<Isa> sum = {};
  for_vectors<Isa>(
      size, [&](int64_t i, int64_t count) __attribute__((always_inline)) {
        const Floats<Isa> v = load<Isa>(x + i, count);
        sum += v * v;
      });
  return sum_of_lanes<Isa>(sum);
}

// The first NaN, or else the first of the least.
int64_t first_of_least(const float* from, int64_t size) {
  int64_t best = 0;
  for (int64_t i = 0; i < size; ++i) {
    if (std::isnan(from[i])) return i;
    if (from[i] < from[best]) best = i;
  }
  return best;
}

// Writes the distances of one row, and returns the column of the least.
template <class Isa>
SNT_INLINE int64_t measure(const NearestArgs& a, float square,
                           const float* products, float* distances) {
  using V = Floats<Isa>;
  using I = Ints<Isa>;
  V best = V{} + std::numeric_limits<float>::infinity();
  I column, at, nan = {};
  for (int i = 0; i < Isa::kWidth; ++i) column[i] = i;
  at = column;
  for_vectors<Isa>(
      a.columns, [&](int64_t k, int64_t count) __attribute__((always_inline)) {
        // 2 p may be infinite: as a sum, it is not fused away.
        const V p = load<Isa>(products + k);
        const V d = (square - (p + p)) + load<Isa>(a.squares + k);
        store<Isa>(distances + k, d, count);
        const I less = d < best;
        best = less ? d : best;
        at = less ? column : at;
        nan |= d != d;
        column += Isa::kWidth;
      });
  if (any_lane<Isa>(nan)) return first_of_least(distances, a.columns);
  int lane = 0;
  for (int i = 1; i < Isa::kWidth; ++i) {
    if (best[i] < best[lane] || (best[i] == best[lane] && at[i] < at[lane])) {
      lane = i;
    }
  }
  return at[lane];
}

// Writes x + (e - x), and returns the sum of (e - x)^2.
template <class Isa>
SNT_INLINE float step_there(const float* x, const float* e, int64_t size,
                            float* to) {
  Floats<Isa> sum = {};
  for_vectors<Isa>(
      size, [&](int64_t i, int64_t count) __attribute__((always_inline)) {
        const Floats<Isa> v = load<Isa>(x + i, count);
        const Floats<Isa> step = load<Isa>(e + i, count) - v;
        store<Isa>(to + i, v + step, count);
        sum += step * step;
      });
  return sum_of_lanes<Isa>(sum);
}

template <class Isa>
struct NearestRows {
  static SNT_INLINE void run(NearestArgs& a) {
    constexpr int64_t kPanel = 2 * Isa::kWidth;
    a.error = 0;
    a.is_finite = true;
    for (int64_t first = 0; first < a.rows; first += Isa::kRows) {
      const int64_t rows = std::min<int64_t>(Isa::kRows, a.rows - first);
      const float* const left = a.x + first * a.depth;
      for (int64_t k = 0; k < a.padded; k += kPanel) {
        multiply(Isa{}, rows, a.depth, left, a.depth, a.panels + k * a.depth,
                 a.products + k, a.padded);
      }
      for (int64_t r = 0; r < rows; ++r) {
        const int64_t row = first + r;
        const float* const x = a.x + row * a.depth;
        const float square = sum_of_squares<Isa>(x, a.depth);
        a.is_finite = a.is_finite && std::isfinite(square);
        const int64_t k = measure<Isa>(a, square, a.products + r * a.padded,
                                       a.distances + row * a.columns);
        a.indices[row] = k;
        float* const encoding = a.encodings + row * a.columns;
        std::fill_n(encoding, a.columns, 0.0f);
        encoding[k] = 1;
        a.error += static_cast<double>(
            step_there<Isa>(x, a.embeddings + k * a.depth, a.depth,
                            a.quantized + row * a.depth));
      }
    }
  }
};

}  // namespace

SNT_DEFINE_RUN(NearestRows, NearestArgs)

int64_t nearest_tile() {
  const int level = isa_level();
  return level == 2   ? Avx512Isa::kRows
         : level == 1 ? Avx2Isa::kRows
                      : PlainIsa::kRows;
}

}  // namespace snt::kernels
