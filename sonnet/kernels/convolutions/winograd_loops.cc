#include "sonnet/kernels/convolutions/winograd_loops.h"

#include <algorithm>
#include <utility>

#include "sonnet/kernels/convolutions/winograd_transforms.h"
#include "sonnet/kernels/products/tile_product.h"
#include "sonnet/kernels/simd.h"

namespace snt::kernels {
namespace {

template <class Isa>
SNT_INLINE int64_t place_of(const Planes& p, int64_t row, int64_t c) {
  return c / (2 * Isa::kWidth) * p.part + row * p.row + c % (2 * Isa::kWidth);
}

template <class Isa>
SNT_INLINE int64_t up(int64_t size) {
  return (size + 2 * Isa::kWidth - 1) / (2 * Isa::kWidth) * (2 * Isa::kWidth);
}

// The first min(count, W) numbers; none where count < 1.
template <class Isa>
SNT_INLINE Floats<Isa> load_some(const float* from, int64_t count) {
  if (count < 1) return Floats<Isa>{};
  return load<Isa>(from, count);
}

template <class Isa, int kSize>
SNT_INLINE void store_square(const Floats<Isa> (&from)[kSize][kSize],
                             const Planes& to, float* first) {
#pragma GCC unroll 6
  for (int i = 0; i < kSize; ++i) {
#pragma GCC unroll 6
    for (int j = 0; j < kSize; ++j) {
      store<Isa>(first + (i * kSize + j) * to.plane, from[i][j]);
    }
  }
}

// A square of kFrom x kFrom numbers of each channel, those in the image only
// unless all are.
template <class Isa, class Transform, bool kAllInside>
SNT_INLINE void transform_tile(const InputTilesArgs& a, const float* x,
                               int64_t i, int64_t j, int64_t row) {
  using V = Floats<Isa>;
  constexpr int kFrom = Transform::kFrom;
  const ImageTiles& s = a.tiles;
  const int64_t down = s.width * s.channels;
  const int64_t full = s.channels / Isa::kWidth * Isa::kWidth;
  for (int64_t c = 0; c < up<Isa>(s.channels); c += Isa::kWidth) {
    const bool is_full = c < full;
    V from[kFrom][kFrom], to[kTilePlaces][kTilePlaces];
#pragma GCC unroll 6
    for (int p = 0; p < kFrom; ++p) {
#pragma GCC unroll 6
      for (int q = 0; q < kFrom; ++q) {
        const float* const at = x + p * down + q * s.channels + c;
        if (kAllInside && is_full) {
          from[p][q] = load<Isa>(at);
        } else if (kAllInside || (i + p >= 0 && i + p < s.height &&
                                  j + q >= 0 && j + q < s.width)) {
          from[p][q] = load_some<Isa>(at, s.channels - c);
        } else {
          from[p][q] = V{};
        }
      }
    }
    transform_square<Transform>(from, to);
    store_square<Isa>(to, a.to, a.to.data + place_of<Isa>(a.to, row, c));
  }
}

template <class Isa, class Transform>
SNT_INLINE void transform_tiles(const InputTilesArgs& a) {
  constexpr int kFrom = Transform::kFrom;
  const ImageTiles& s = a.tiles;
  for (int64_t t = 0; t < s.count; ++t) {
    const int64_t tile = s.first + t, image = tile / (s.down * s.across);
    const int64_t i = tile / s.across % s.down * kTileSide - a.top;
    const int64_t j = tile % s.across * kTileSide - a.left;
    const float* const x =
        a.x + ((image * s.height + i) * s.width + j) * s.channels;
    if (i >= 0 && j >= 0 && i + kFrom <= s.height && j + kFrom <= s.width) {
      transform_tile<Isa, Transform, true>(a, x, i, j, t);
    } else {
      transform_tile<Isa, Transform, false>(a, x, i, j, t);
    }
  }
}

template <class Isa>
struct InputTiles {
  static SNT_INLINE void run(InputTilesArgs& a) {
    transform_tiles<Isa, InputTransform>(a);
  }
};

template <class Isa>
struct OutputGradientTiles {
  static SNT_INLINE void run(InputTilesArgs& a) {
    transform_tiles<Isa, OutputGradientTransform>(a);
  }
};

template <class Isa>
struct OutputTiles {
  static SNT_INLINE void run(OutputTilesArgs& a) {
    using V = Floats<Isa>;
    const ImageTiles& s = a.tiles;
    for (int64_t t = 0; t < s.count; ++t) {
      const int64_t tile = s.first + t, image = tile / (s.down * s.across);
      const int64_t i = tile / s.across % s.down * kTileSide;
      const int64_t j = tile % s.across * kTileSide;
      const int64_t corner =
          ((image * s.height + i) * s.width + j) * s.channels;
      const int rows =
          static_cast<int>(std::min<int64_t>(kTileSide, s.height - i));
      const int columns =
          static_cast<int>(std::min<int64_t>(kTileSide, s.width - j));
      for_vectors<Isa>(
          s.channels, [&](int64_t c,
                          int64_t count) __attribute__((always_inline)) {
            const float* const from = a.from.data + place_of<Isa>(a.from, t, c);
            V m[kTilePlaces][kTilePlaces], y[kTileSide][kTileSide];
#pragma GCC unroll 6
            for (int p = 0; p < kTilePlaces; ++p) {
#pragma GCC unroll 6
              for (int q = 0; q < kTilePlaces; ++q) {
                m[p][q] =
                    load<Isa>(from + (p * kTilePlaces + q) * a.from.plane);
              }
            }
            transform_square<OutputTransform>(m, y);
            const V zero = {};
            const V factor =
                a.factor == nullptr ? zero + 1 : load<Isa>(a.factor + c, count);
            const V shift =
                a.shift == nullptr ? zero : load<Isa>(a.shift + c, count);
            for (int p = 0; p < rows; ++p) {
              for (int q = 0; q < columns; ++q) {
                const int64_t at = corner + (p * s.width + q) * s.channels + c;
                V v = factor * y[p][q] + shift;
                if (a.addend != nullptr) v += load<Isa>(a.addend + at, count);
                if (a.relu) v = v > zero ? v : zero;
                store<Isa>(a.y + at, v, count);
              }
            }
          });
    }
  }
};

constexpr int kTaps = 3;  // Weights, down and across.

// A square of weights of a vector of columns.
template <class Isa>
using Weights = Floats<Isa>[kTaps][kTaps];

// The squares of W rows.
template <class Isa>
using WeightRows = float[Isa::kWidth][kTaps][kTaps][Isa::kWidth];

// Of each block of 2 kStep x 2 kStep numbers in two rows that are kStep apart,
// the row (the second if `kSecond`) with its corner off the diagonal exchanged.
template <class Isa, int kStep, bool kSecond, int... kLanes>
SNT_INLINE Floats<Isa> exchange(const Floats<Isa>& a, const Floats<Isa>& b,
                                std::integer_sequence<int, kLanes...>) {
  return __builtin_shufflevector(
      a, b,
      ((kLanes & kStep) == 0
           ? kLanes + (kSecond ? kStep : 0)
           : Isa::kWidth + kLanes - (kSecond ? 0 : kStep))...);
}

// Rows become columns.
template <class Isa, int kStep = 1>
SNT_INLINE void transpose(Floats<Isa> (&v)[Isa::kWidth]) {
  if constexpr (kStep < Isa::kWidth) {
    constexpr std::make_integer_sequence<int, Isa::kWidth> kLanes;
#pragma GCC unroll 16
    for (int i = 0; i < Isa::kWidth; ++i) {
      if ((i & kStep) != 0) continue;
      const Floats<Isa> a = v[i], b = v[i + kStep];
      v[i] = exchange<Isa, kStep, false>(a, b, kLanes);
      v[i + kStep] = exchange<Isa, kStep, true>(a, b, kLanes);
    }
    transpose<Isa, 2 * kStep>(v);
  }
}

// Strided columns are read along the rows, as they lie in memory.
template <class Isa>
SNT_INLINE void read_rows(const TileWeights& s, const float* w, int64_t rows,
                          int64_t columns, WeightRows<Isa>& to) {
  for (int p = 0; p < kTaps; ++p) {
    for (int q = 0; q < kTaps; ++q) {
      const float* const tap = w + p * s.down + q * s.across;
      if (s.to_depth == 1 && rows == Isa::kWidth && columns >= Isa::kWidth) {
        Floats<Isa> v[Isa::kWidth];
#pragma GCC unroll 16
        for (int l = 0; l < Isa::kWidth; ++l) {
          v[l] = load<Isa>(tap + l * s.to_column);
        }
        transpose<Isa>(v);
#pragma GCC unroll 16
        for (int i = 0; i < Isa::kWidth; ++i) store<Isa>(to[i][p][q], v[i]);
        continue;
      }
      for (int64_t l = 0; l < Isa::kWidth; ++l) {
        const float* const from = tap + l * s.to_column;
        for (int64_t i = 0; i < rows; ++i) {
          to[i][p][q][l] = l < columns ? from[i * s.to_depth] : 0;
        }
      }
    }
  }
}

template <class Isa>
SNT_INLINE void write_row(const WeightsArgs& a, const float* w, int64_t down,
                          int64_t across, int64_t count, int64_t row,
                          int64_t column) {
  Weights<Isa> from;
  Floats<Isa> to[kTilePlaces][kTilePlaces];
#pragma GCC unroll 3
  for (int p = 0; p < kTaps; ++p) {
#pragma GCC unroll 3
    for (int q = 0; q < kTaps; ++q) {
      from[p][q] = load_some<Isa>(w + p * down + q * across, count);
    }
  }
  transform_square<WeightTransform>(from, to);
  store_square<Isa>(to, a.to, a.to.data + place_of<Isa>(a.to, row, column));
}

template <class Isa>
struct WeightTiles {
  static SNT_INLINE void run(WeightsArgs& a) {
    const TileWeights& s = a.shape;
    for (int64_t c = 0; c < up<Isa>(s.columns); c += Isa::kWidth) {
      const int64_t count = s.columns - c;
      const float* const w = a.w + c * s.to_column;
      if (s.to_column == 1) {
        for (int64_t r = a.first; r < a.last; ++r) {
          write_row<Isa>(a, w + r * s.to_depth, s.down, s.across, count, r, c);
        }
        continue;
      }
      for (int64_t r = a.first; r < a.last; r += Isa::kWidth) {
        const int64_t rows = std::min<int64_t>(a.last - r, Isa::kWidth);
        WeightRows<Isa> numbers;
        read_rows<Isa>(s, w + r * s.to_depth, rows, count, numbers);
        for (int64_t i = 0; i < rows; ++i) {
          write_row<Isa>(a, &numbers[i][0][0][0], kTaps * Isa::kWidth,
                         Isa::kWidth, Isa::kWidth, r + i, c);
        }
      }
    }
  }
};

template <class Isa>
struct WeightGradientTiles {
  static SNT_INLINE void run(WeightGradientArgs& a) {
    using V = Floats<Isa>;
    const TileWeights& s = a.shape;
    for (int64_t r = a.first; r < a.last; ++r) {
      for_vectors<Isa>(
          s.columns, [&](int64_t c,
                         int64_t count) __attribute__((always_inline)) {
            const float* const from = a.from.data + place_of<Isa>(a.from, r, c);
            V u[kTilePlaces][kTilePlaces], to[kTaps][kTaps];
#pragma GCC unroll 6
            for (int p = 0; p < kTilePlaces; ++p) {
#pragma GCC unroll 6
              for (int q = 0; q < kTilePlaces; ++q) {
                const float* at = from + (p * kTilePlaces + q) * a.from.plane;
                V sum = load<Isa>(at);
                for (int64_t i = 1; i < a.copies; ++i) {
                  sum += load<Isa>(at += a.copy);
                }
                u[p][q] = sum;
              }
            }
            transform_square<WeightGradientTransform>(u, to);
            float* const w = a.w + r * s.to_depth + c * s.to_column;
#pragma GCC unroll 3
            for (int p = 0; p < kTaps; ++p) {
#pragma GCC unroll 3
              for (int q = 0; q < kTaps; ++q) {
                float* const at = w + p * s.down + q * s.across;
                if (s.to_column == 1) {
                  store<Isa>(at, to[p][q], count);
                } else {
                  for (int64_t l = 0; l < count; ++l) {
                    at[l * s.to_column] = to[p][q][l];
                  }
                }
              }
            }
          });
    }
  }
};

template <class Isa>
struct PlaneProduct {
  static SNT_INLINE void run(PlaneProductArgs& a) {
    for (int64_t p = 0; p < a.panels; ++p) {
      const float* const right = a.right + p * a.panel;
      float* const out = a.out + p * 2 * Isa::kWidth;
      if (a.adds) {
        add_transposed_product(Isa{}, a.rows, a.depth, a.left, a.left_row,
                               right, out, a.out_row);
      } else {
        multiply(Isa{}, a.rows, a.depth, a.left, a.left_row, right, out,
                 a.out_row);
      }
    }
  }
};

}  // namespace

SNT_DEFINE_RUN(InputTiles, InputTilesArgs)
SNT_DEFINE_RUN(OutputGradientTiles, InputTilesArgs)
SNT_DEFINE_RUN(OutputTiles, OutputTilesArgs)
SNT_DEFINE_RUN(WeightTiles, WeightsArgs)
SNT_DEFINE_RUN(WeightGradientTiles, WeightGradientArgs)
SNT_DEFINE_RUN(PlaneProduct, PlaneProductArgs)

}  // namespace snt::kernels
