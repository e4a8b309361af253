#include "sonnet/kernels/products/tile_product.h"

#include <array>
#include <cstddef>
#include <utility>

namespace snt::kernels {
namespace {

// kRows rows at once: their sums stay in registers.
template <class Isa, int kRows>
SNT_INLINE void multiply_tile(int64_t depth, const float* left,
                              int64_t left_stride, const float* panel,
                              float* out, int64_t out_stride) {
  Floats<Isa> sum[kRows][2] = {};
  for (int64_t k = 0; k < depth; ++k) {
    // Panels come from a cache further out, all of them at every step.
    __builtin_prefetch(panel + 16 * 2 * Isa::kWidth);
    __builtin_prefetch(panel + 16 * 2 * Isa::kWidth + Isa::kWidth);
    const Floats<Isa> w0 = load<Isa>(panel);
    const Floats<Isa> w1 = load<Isa>(panel + Isa::kWidth);
    panel += 2 * Isa::kWidth;
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
      const float x = left[r * left_stride + k];
      sum[r][0] += x * w0;
      sum[r][1] += x * w1;
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) {
    store<Isa>(out + r * out_stride, sum[r][0]);
    store<Isa>(out + r * out_stride + Isa::kWidth, sum[r][1]);
  }
}

using Tile = void (*)(int64_t, const float*, int64_t, const float*, float*,
                      int64_t);

#if defined(__x86_64__)
template <int kRows>
__attribute__((target("avx512f"))) void tile_avx512(
    int64_t depth, const float* left, int64_t left_stride, const float* panel,
    float* out, int64_t out_stride) {
  multiply_tile<Avx512Isa, kRows>(depth, left, left_stride, panel, out,
                                  out_stride);
}
template <int kRows>
__attribute__((target("avx2,fma"))) void tile_avx2(
    int64_t depth, const float* left, int64_t left_stride, const float* panel,
    float* out, int64_t out_stride) {
  multiply_tile<Avx2Isa, kRows>(depth, left, left_stride, panel, out,
                                out_stride);
}
#endif
template <int kRows>
void tile_plain(int64_t depth, const float* left, int64_t left_stride,
                const float* panel, float* out, int64_t out_stride) {
  multiply_tile<PlainIsa, kRows>(depth, left, left_stride, panel, out,
                                 out_stride);
}

// All rows, in tiles of about the same number.
template <size_t kMost>
void multiply_in_tiles(const std::array<Tile, kMost>& tiles, int64_t rows,
                       int64_t depth, const float* left, int64_t left_stride,
                       const float* panel, float* out, int64_t out_stride) {
  int64_t parts =
      (rows + static_cast<int64_t>(kMost) - 1) / static_cast<int64_t>(kMost);
  for (int64_t row = 0; parts > 0; --parts) {
    const int64_t now = (rows - row + parts - 1) / parts;
    tiles[static_cast<size_t>(now - 1)](depth, left + row * left_stride,
                                        left_stride, panel,
                                        out + row * out_stride, out_stride);
    row += now;
  }
}

}  // namespace

#if defined(__x86_64__)
void multiply(Avx512Isa, int64_t rows, int64_t depth, const float* left,
              int64_t left_stride, const float* panel, float* out,
              int64_t out_stride) {
  static constexpr auto kTiles =
      []<int... kRows>(std::integer_sequence<int, kRows...>) {
    return std::array<Tile, sizeof...(kRows)>{tile_avx512<kRows + 1>...};
  }
  (std::make_integer_sequence<int, Avx512Isa::kRows>());
  multiply_in_tiles(kTiles, rows, depth, left, left_stride, panel, out,
                    out_stride);
}
void multiply(Avx2Isa, int64_t rows, int64_t depth, const float* left,
              int64_t left_stride, const float* panel, float* out,
              int64_t out_stride) {
  static constexpr auto kTiles =
      []<int... kRows>(std::integer_sequence<int, kRows...>) {
    return std::array<Tile, sizeof...(kRows)>{tile_avx2<kRows + 1>...};
  }
  (std::make_integer_sequence<int, Avx2Isa::kRows>());
  multiply_in_tiles(kTiles, rows, depth, left, left_stride, panel, out,
                    out_stride);
}
#endif
void multiply(PlainIsa, int64_t rows, int64_t depth, const float* left,
              int64_t left_stride, const float* panel, float* out,
              int64_t out_stride) {
  static constexpr auto kTiles =
      []<int... kRows>(std::integer_sequence<int, kRows...>) {
    return std::array<Tile, sizeof...(kRows)>{tile_plain<kRows + 1>...};
  }
  (std::make_integer_sequence<int, PlainIsa::kRows>());
  multiply_in_tiles(kTiles, rows, depth, left, left_stride, panel, out,
                    out_stride);
}

int64_t vector_width() {
  const int level = isa_level();
  return level == 2   ? Avx512Isa::kWidth
         : level == 1 ? Avx2Isa::kWidth
                      : PlainIsa::kWidth;
}

}  // namespace snt::kernels
