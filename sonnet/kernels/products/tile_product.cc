#include "sonnet/kernels/products/tile_product.h"

#include <array>
#include <cstddef>
#include <utility>

namespace snt::kernels {
namespace {

// kRows rows at once: their sums stay in registers. `kAdds`: left is given
// transposed, and out is added to.
template <class Isa, int kRows, bool kAdds>
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
      const float x =
          kAdds ? left[k * left_stride + r] : left[r * left_stride + k];
      sum[r][0] += x * w0;
      sum[r][1] += x * w1;
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) {
    float* const to = out + r * out_stride;
    if (kAdds) {
      sum[r][0] += load<Isa>(to);
      sum[r][1] += load<Isa>(to + Isa::kWidth);
    }
    store<Isa>(to, sum[r][0]);
    store<Isa>(to + Isa::kWidth, sum[r][1]);
  }
}

using Tile = void (*)(int64_t, const float*, int64_t, const float*, float*,
                      int64_t);

#if defined(__x86_64__)
template <int kRows, bool kAdds>
__attribute__((target("avx512f"))) void tile_avx512(
    int64_t depth, const float* left, int64_t left_stride, const float* panel,
    float* out, int64_t out_stride) {
  multiply_tile<Avx512Isa, kRows, kAdds>(depth, left, left_stride, panel, out,
                                         out_stride);
}
template <int kRows, bool kAdds>
__attribute__((target("avx2,fma"))) void tile_avx2(
    int64_t depth, const float* left, int64_t left_stride, const float* panel,
    float* out, int64_t out_stride) {
  multiply_tile<Avx2Isa, kRows, kAdds>(depth, left, left_stride, panel, out,
                                       out_stride);
}
#endif
template <int kRows, bool kAdds>
void tile_plain(int64_t depth, const float* left, int64_t left_stride,
                const float* panel, float* out, int64_t out_stride) {
  multiply_tile<PlainIsa, kRows, kAdds>(depth, left, left_stride, panel, out,
                                        out_stride);
}

// All rows, in tiles of about the same number. `left_step`: from a row of left
// to the next.
template <size_t kMost>
void multiply_in_tiles(const std::array<Tile, kMost>& tiles, int64_t rows,
                       int64_t depth, const float* left, int64_t left_stride,
                       int64_t left_step, const float* panel, float* out,
                       int64_t out_stride) {
  int64_t parts =
      (rows + static_cast<int64_t>(kMost) - 1) / static_cast<int64_t>(kMost);
  for (int64_t row = 0; parts > 0; --parts) {
    const int64_t now = (rows - row + parts - 1) / parts;
    tiles[static_cast<size_t>(now - 1)](depth, left + row * left_step,
                                        left_stride, panel,
                                        out + row * out_stride, out_stride);
    row += now;
  }
}

}  // namespace

// Defines both functions for an instruction set, of which `tile` is the tile.
#define SNT_DEFINE_MULTIPLY(Isa, tile)                                        \
  template <bool kAdds>                                                       \
  static const auto& tiles_of(Isa) {                                          \
    static constexpr auto kTiles =                                            \
        []<int... kRows>(std::integer_sequence<int, kRows...>) {              \
      return std::array<Tile, sizeof...(kRows)>{tile<kRows + 1, kAdds>...};   \
    }                                                                         \
    (std::make_integer_sequence<int, Isa::kRows>());                          \
    return kTiles;                                                            \
  }                                                                           \
  void multiply(Isa isa, int64_t rows, int64_t depth, const float* left,      \
                int64_t left_stride, const float* panel, float* out,          \
                int64_t out_stride) {                                         \
    multiply_in_tiles(tiles_of<false>(isa), rows, depth, left, left_stride,   \
                      left_stride, panel, out, out_stride);                   \
  }                                                                           \
  void add_transposed_product(Isa isa, int64_t rows, int64_t depth,           \
                              const float* left, int64_t left_stride,         \
                              const float* panel, float* out,                 \
                              int64_t out_stride) {                           \
    multiply_in_tiles(tiles_of<true>(isa), rows, depth, left, left_stride, 1, \
                      panel, out, out_stride);                                \
  }

#if defined(__x86_64__)
SNT_DEFINE_MULTIPLY(Avx512Isa, tile_avx512)
SNT_DEFINE_MULTIPLY(Avx2Isa, tile_avx2)
#endif
SNT_DEFINE_MULTIPLY(PlainIsa, tile_plain)

int64_t vector_width() {
  const int level = isa_level();
  return level == 2   ? Avx512Isa::kWidth
         : level == 1 ? Avx2Isa::kWidth
                      : PlainIsa::kWidth;
}

}  // namespace snt::kernels
