#include "sonnet/kernels/products/small_product.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <memory>
#include <utility>

#include "sonnet/kernels/simd.h"

namespace snt::kernels {
namespace {

// Some rows of one or two vectors of columns.
struct SmallTile {
  int64_t depth;
  const float* left;
  int64_t left_row, left_depth;
  const float* right;  // All columns may be read in each row.
  int64_t right_row;
  const float* bias;  // Or nullptr.
  bool relu;
  const float* gate;  // Or nullptr; strides as in `out`.
  float* out;
  int64_t out_row;
};

// kDown: left is stored column by column.
template <class Isa, int kRows, int kVectors, bool kDown>
SNT_INLINE void multiply_small_tile(const SmallTile& t) {
  using V = Floats<Isa>;
  constexpr int kWidth = Isa::kWidth;
  V sum[kRows][kVectors] = {};
  if (t.bias != nullptr) {
    for (int v = 0; v < kVectors; ++v) {
      const V bias = load<Isa>(t.bias + v * kWidth);
#pragma GCC unroll 16
      for (int r = 0; r < kRows; ++r) sum[r][v] = bias;
    }
  }
  const float* left = t.left;
  const float* right = t.right;
  const int64_t left_row = kDown ? 1 : t.left_row;
  const int64_t left_depth = kDown ? t.left_depth : 1;
  for (int64_t k = 0; k < t.depth; ++k) {
    V w[kVectors];
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) w[v] = load<Isa>(right + v * kWidth);
    right += t.right_row;
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
      const float x = left[r * left_row];
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v) sum[r][v] += x * w[v];
    }
    left += left_depth;
  }
  const V zero = {};
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) {
      const int64_t place = r * t.out_row + v * kWidth;
      V y = sum[r][v];
      if (t.relu) y = y < zero ? zero : y;
      if (t.gate != nullptr) {
        y = load<Isa>(t.gate + place) <= zero ? zero : y;
      }
      store<Isa>(t.out + place, y);
    }
  }
}

using RunSmallTile = void (*)(const SmallTile&);

#if defined(__x86_64__)
template <int kRows, int kVectors, bool kDown>
__attribute__((target("avx512f"))) void small_avx512(const SmallTile& t) {
  multiply_small_tile<Avx512Isa, kRows, kVectors, kDown>(t);
}
template <int kRows, int kVectors, bool kDown>
__attribute__((target("avx2,fma"))) void small_avx2(const SmallTile& t) {
  multiply_small_tile<Avx2Isa, kRows, kVectors, kDown>(t);
}
#endif
template <int kRows, int kVectors, bool kDown>
void small_plain(const SmallTile& t) {
  multiply_small_tile<PlainIsa, kRows, kVectors, kDown>(t);
}

// The tiles of an instruction set: tiles[vectors - 1][down][rows - 1].
template <int64_t kWidth, size_t kMost>
struct SmallTiles {
  static constexpr int64_t width = kWidth;
  std::array<RunSmallTile, kMost> of[2][2];

  RunSmallTile get(int64_t rows, int64_t vectors, bool down) const {
    return of[vectors - 1][down ? 1 : 0][static_cast<size_t>(rows - 1)];
  }
};

#define SNT_SMALL_TILES(name, kIsa)                                     \
  template <int... r>                                                   \
  constexpr SmallTiles<kIsa::kWidth, sizeof...(r)> make_##name(         \
      std::integer_sequence<int, r...>) {                               \
    return {{{{name<r + 1, 1, false>...}, {name<r + 1, 1, true>...}},   \
             {{name<r + 1, 2, false>...}, {name<r + 1, 2, true>...}}}}; \
  }
#if defined(__x86_64__)
SNT_SMALL_TILES(small_avx512, Avx512Isa)
SNT_SMALL_TILES(small_avx2, Avx2Isa)
#endif
SNT_SMALL_TILES(small_plain, PlainIsa)
#undef SNT_SMALL_TILES

// A copy of the columns from `column` on, in rows of kWidth numbers; those
// behind the columns are any.
template <int64_t kWidth>
std::unique_ptr<float[]> copy_columns(const SmallProduct& p, int64_t column) {
  const int64_t end = (p.depth - 1) * p.right_row + p.columns;
  std::unique_ptr<float[]> copy(new float[p.depth * kWidth]);
  for (int64_t k = 0; k < p.depth; ++k) {
    const int64_t from = k * p.right_row + column;
    float* const to = copy.get() + k * kWidth;
    if (from + kWidth <= end) {
      std::memcpy(to, p.right + from, kWidth * sizeof(float));
    } else {
      for (int64_t j = 0; j < kWidth; ++j) {
        to[j] = from + j < end ? p.right[from + j] : 0;
      }
    }
  }
  return copy;
}

// All rows of some vectors of columns, in tiles of about the same number of
// rows: run(tile, now, row) for `now` rows from `row` on.
template <int64_t kMost, class Run>
void for_tiles(SmallTile t, int64_t rows, const Run& run) {
  int64_t row = 0;
  for (int64_t parts = (rows + kMost - 1) / kMost; parts > 0; --parts) {
    const int64_t now = (rows - row + parts - 1) / parts;
    run(t, now, row);
    t.left += now * t.left_row;
    t.out += now * t.out_row;
    if (t.gate != nullptr) t.gate += now * t.out_row;
    row += now;
  }
}

// One tile of the last `count` columns, less than a vector, by way of memory
// that has room for a vector.
template <int64_t kWidth, size_t kMost>
void run_by_the_way(RunSmallTile run, SmallTile t, int64_t rows,
                    int64_t count) {
  float out[kMost * kWidth];
  float* const to = t.out;
  const float* const gate = t.gate;
  const int64_t out_row = t.out_row;
  t.out = out;
  t.out_row = kWidth;
  t.gate = nullptr;
  run(t);
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t j = 0; j < count; ++j) {
      const int64_t place = r * out_row + j;
      const bool is_shut = gate != nullptr && gate[place] <= 0;
      to[place] = is_shut ? 0 : out[r * kWidth + j];
    }
  }
}

// The columns from `column` on, which fill no vector. Most tiles write past
// the end of their rows, to numbers that others write later.
template <int64_t kWidth, size_t kMost>
void multiply_rest(const SmallTiles<kWidth, kMost>& tiles,
                   const SmallProduct& p, SmallTile t, int64_t column) {
  const int64_t count = p.columns - column;
  const auto right = copy_columns<kWidth>(p, column);
  float bias[kWidth] = {};
  t.right = right.get();
  t.right_row = kWidth;
  if (p.bias != nullptr) {
    std::copy_n(p.bias + column, count, bias);
    t.bias = bias;
  }
  const bool down = p.left_depth != 1;
  for_tiles<kMost>(t, p.rows,
                   [&](const SmallTile& tile, int64_t now, int64_t row) {
                     const RunSmallTile run = tiles.get(now, 1, down);
                     const int64_t last = (row + now - 1) * p.columns + column;
                     if (last + kWidth <= p.rows * p.columns) {
                       run(tile);
                     } else {
                       run_by_the_way<kWidth, kMost>(run, tile, now, count);
                     }
                   });
}

template <int64_t kWidth, size_t kMost>
void multiply_by(const SmallTiles<kWidth, kMost>& tiles,
                 const SmallProduct& p) {
  const auto tile = [&](int64_t column) {
    return SmallTile{.depth = p.depth,
                     .left = p.left,
                     .left_row = p.left_row,
                     .left_depth = p.left_depth,
                     .right = p.right + column,
                     .right_row = p.right_row,
                     .bias = p.bias == nullptr ? nullptr : p.bias + column,
                     .relu = p.relu,
                     .gate = p.gate == nullptr ? nullptr : p.gate + column,
                     .out = p.out + column,
                     .out_row = p.columns};
  };
  const int64_t whole = p.columns / kWidth * kWidth;
  if (whole < p.columns) multiply_rest(tiles, p, tile(whole), whole);
  const bool down = p.left_depth != 1;
  for (int64_t column = 0; column < whole;) {
    const int64_t vectors = column + 2 * kWidth <= whole ? 2 : 1;
    for_tiles<kMost>(tile(column), p.rows,
                     [&](const SmallTile& t, int64_t now, int64_t) {
                       tiles.get(now, vectors, down)(t);
                     });
    column += vectors * kWidth;
  }
}

// Four by four numbers.
void transpose_block(const float* in, int64_t in_row, float* out,
                     int64_t out_row) {
  using V = Floats<PlainIsa>;
  const V r0 = load<PlainIsa>(in), r1 = load<PlainIsa>(in + in_row);
  const V r2 = load<PlainIsa>(in + 2 * in_row);
  const V r3 = load<PlainIsa>(in + 3 * in_row);
  const V low01 = __builtin_shufflevector(r0, r1, 0, 4, 1, 5);
  const V low23 = __builtin_shufflevector(r2, r3, 0, 4, 1, 5);
  const V high01 = __builtin_shufflevector(r0, r1, 2, 6, 3, 7);
  const V high23 = __builtin_shufflevector(r2, r3, 2, 6, 3, 7);
  const V columns[] = {__builtin_shufflevector(low01, low23, 0, 1, 4, 5),
                       __builtin_shufflevector(low01, low23, 2, 3, 6, 7),
                       __builtin_shufflevector(high01, high23, 0, 1, 4, 5),
                       __builtin_shufflevector(high01, high23, 2, 3, 6, 7)};
  for (int j = 0; j < 4; ++j) {
    store<PlainIsa>(out + j * out_row, columns[j]);
  }
}

}  // namespace

void multiply(const SmallProduct& p) {
#if defined(__x86_64__)
  static constexpr auto kAvx512 =
      make_small_avx512(std::make_integer_sequence<int, Avx512Isa::kRows>());
  static constexpr auto kAvx2 =
      make_small_avx2(std::make_integer_sequence<int, Avx2Isa::kRows>());
  const int level = isa_level();
  if (level == 2) return multiply_by(kAvx512, p);
  if (level == 1) return multiply_by(kAvx2, p);
#endif
  static constexpr auto kPlain =
      make_small_plain(std::make_integer_sequence<int, PlainIsa::kRows>());
  multiply_by(kPlain, p);
}

void transpose(int64_t rows, int64_t columns, const float* in, float* out) {
  const int64_t row_blocks = rows / 4 * 4, column_blocks = columns / 4 * 4;
  for (int64_t i = 0; i < row_blocks; i += 4) {
    for (int64_t j = 0; j < column_blocks; j += 4) {
      transpose_block(in + i * columns + j, columns, out + j * rows + i, rows);
    }
  }
  const auto one_by_one = [&](int64_t first_row, int64_t first_column) {
    for (int64_t i = first_row; i < rows; ++i) {
      for (int64_t j = first_column; j < columns; ++j) {
        out[j * rows + i] = in[i * columns + j];
      }
    }
  };
  one_by_one(row_blocks, 0);
  one_by_one(0, column_blocks);
}

}  // namespace snt::kernels
