#include "sonnet/kernels/convolutions/depthwise_loops.h"

#include <algorithm>

#include "sonnet/kernels/simd.h"

namespace snt::kernels {
namespace {

// So many rows and columns of taps are in registers at a time.
constexpr int64_t kMostTaps = 3;

// Calls body(c, old): vectors of channels begin at c; the first `old` of the
// last one have been in the one before.
template <class Isa, class F>
SNT_INLINE void for_channels(int64_t channels, const F& body) {
  for (int64_t c = 0; c < channels; c += Isa::kWidth) {
    const int64_t begin = std::min(c, channels - Isa::kWidth);
    body(begin, c - begin);
  }
}

// to += v without the first `old` numbers, which it has already.
template <class Isa>
SNT_INLINE void add_new(float* to, const Floats<Isa>& v, int64_t old) {
  if (old == 0) return store<Isa>(to, load<Isa>(to) + v);
  for (int64_t i = old; i < Isa::kWidth; ++i) to[i] += v[i];
}

// Places of a row, and up to kMostTaps rows and columns of taps, for one vector
// of channels. Numbers after addresses are steps, in floats.
struct Places {
  int64_t count;
  const float* from;
  int64_t from_row, from_column, from_place;  // The first two: between taps.
  const float* w;
  int64_t w_row, w_column;
  const float* start;  // What the sum begins with.
  int64_t start_place;
  float* to;
  const float* with;
  int64_t place;  // Of `to` and `with`.
  float* products;
  int64_t old;
};

// With kRolls, places go along the taps of a column, so that each of its
// numbers is loaded once, and before anything is stored as far along.
template <class Isa, int kRows, int kColumns, bool kRolls, bool kTo,
          bool kProducts>
SNT_INLINE void taps_in_registers(const Places& a) {
  using V = Floats<Isa>;
  V w[kRows][kColumns], products[kRows][kColumns], x[kRows][kColumns];
  const float* from[kRows];
#pragma GCC unroll 3
  for (int r = 0; r < kRows; ++r) {
    from[r] = a.from + r * a.from_row;
#pragma GCC unroll 3
    for (int s = 0; s < kColumns; ++s) {
      w[r][s] = load<Isa>(a.w + r * a.w_row + s * a.w_column);
      products[r][s] = V{};
      if (kRolls && s > 0) {
        x[r][s] = load<Isa>(from[r] + (s - 1) * a.from_column);
      }
    }
    if (kRolls) from[r] += (kColumns - 1) * a.from_column;
  }
  const float *start = a.start, *with = a.with;
  float* to = a.to;
#pragma GCC unroll 3
  for (int64_t p = 0; p < a.count; ++p) {
    V sum = {}, factor = {};
    if (kTo) sum = load<Isa>(start);
    if (kProducts) factor = load<Isa>(with);
#pragma GCC unroll 3
    for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 3
      for (int s = 0; s < kColumns; ++s) {
        if (!kRolls) {
          x[r][s] = load<Isa>(from[r] + s * a.from_column);
        } else if (s + 1 < kColumns) {
          x[r][s] = x[r][s + 1];
        } else {
          x[r][s] = load<Isa>(from[r]);
        }
        if (kTo) sum += w[r][s] * x[r][s];
        if (kProducts) products[r][s] += factor * x[r][s];
      }
      from[r] += a.from_place;
    }
    if (kTo) store<Isa>(to, sum);
    if (kTo) to += a.place;
    if (kTo) start += a.start_place;
    if (kProducts) with += a.place;
  }
  if (!kProducts) return;
#pragma GCC unroll 3
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 3
    for (int s = 0; s < kColumns; ++s) {
      add_new<Isa>(a.products + r * a.w_row + s * a.w_column, products[r][s],
                   a.old);
    }
  }
}

template <class Isa>
struct Depthwise {
  template <bool kTo, bool kProducts>
  static SNT_INLINE void taps(int64_t rows, int64_t columns, const Places& a) {
    const bool rolls = a.from_column == a.from_place && columns > 1;
    switch (rolls * 16 + rows * 4 + columns) {
#define SNT_TAPS(Rolls, R, S)    \
  case (Rolls)*16 + (R)*4 + (S): \
    return taps_in_registers<Isa, R, S, Rolls, kTo, kProducts>(a)
      SNT_TAPS(false, 1, 1);
      SNT_TAPS(false, 1, 2);
      SNT_TAPS(false, 1, 3);
      SNT_TAPS(false, 2, 1);
      SNT_TAPS(false, 2, 2);
      SNT_TAPS(false, 2, 3);
      SNT_TAPS(false, 3, 1);
      SNT_TAPS(false, 3, 2);
      SNT_TAPS(false, 3, 3);
      SNT_TAPS(true, 1, 2);
      SNT_TAPS(true, 1, 3);
      SNT_TAPS(true, 2, 2);
      SNT_TAPS(true, 2, 3);
      SNT_TAPS(true, 3, 2);
      SNT_TAPS(true, 3, 3);
#undef SNT_TAPS
    }
  }

  // What no tap meets.
  static SNT_INLINE void fill(const Places& a) {
    for (int64_t p = 0; p < a.count; ++p) {
      store<Isa>(a.to + p * a.place, load<Isa>(a.start));
    }
  }

  // The places of `row` and `columns` for the vector of channels at c.
  template <bool kTo, bool kProducts>
  static SNT_INLINE void places(const DepthwiseArgs& a, const TapRun& row,
                                const TapRun& columns, int64_t c, int64_t old) {
    static constexpr float kZeros[Isa::kWidth] = {};
    const int64_t place =
        (row.first * a.width + columns.first) * a.channels + c;
    const int64_t step = columns.step * a.channels;
    const int64_t w_row = row.tap_step * a.w_row;
    const int64_t w_column = columns.tap_step * a.channels;
    Places now = {};
    now.count = columns.places;
    now.from_row = row.from_tap * a.from.row;
    now.from_column = columns.from_tap * a.from.pixel;
    now.from_place = columns.from_place * a.from.pixel;
    now.w_row = w_row;
    now.w_column = w_column;
    now.start = a.b != nullptr ? a.b + c : kZeros;
    now.to = kTo ? a.to + place : nullptr;
    now.with = kProducts ? a.with + place : nullptr;
    now.place = step;
    now.old = old;
    if (row.taps == 0 || columns.taps == 0) {
      if (kTo) fill(now);
      return;
    }
    const float* const from =
        a.from.data + row.from * a.from.row + columns.from * a.from.pixel + c;
    const int64_t w = row.tap * a.w_row + columns.tap * a.channels + c;
    for (int64_t r = 0; r < row.taps; r += kMostTaps) {
      for (int64_t s = 0; s < columns.taps; s += kMostTaps) {
        const int64_t tap = w + r * w_row + s * w_column;
        now.from = from + r * now.from_row + s * now.from_column;
        now.w = a.w + tap;
        now.products = kProducts ? a.products + tap : nullptr;
        taps<kTo, kProducts>(std::min(kMostTaps, row.taps - r),
                             std::min(kMostTaps, columns.taps - s), now);
        now.start = now.to;  // More taps add to what is there.
        now.start_place = step;
      }
    }
  }

  template <bool kTo, bool kProducts>
  static SNT_INLINE void all(const DepthwiseArgs& a) {
    for (int64_t r = 0; r < a.row_count; ++r) {
      for (const TapRun& columns : *a.columns) {
        for_channels<Isa>(
            a.channels, [&](int64_t c,
                            int64_t old) __attribute__((always_inline)) {
              places<kTo, kProducts>(a, a.rows[r], columns, c, old);
            });
      }
    }
  }

  static SNT_INLINE void run(DepthwiseArgs& a) {
    if (a.with == nullptr) return all<true, false>(a);
    if (a.to == nullptr) return all<false, true>(a);
    all<true, true>(a);
  }
};

template <class Isa>
struct PixelSum {
  static SNT_INLINE void run(PixelSumArgs& a) {
    using V = Floats<Isa>;
    for_channels<Isa>(
        a.channels, [&](int64_t c, int64_t old) __attribute__((always_inline)) {
          for (int64_t r = 0; r < a.rows; ++r) {
            const float* from = a.from.data + r * a.from.row + c;
            V even = {}, odd = {};
            int64_t p = 0;
            for (; p + 2 <= a.width; p += 2, from += 2 * a.from.pixel) {
              even += load<Isa>(from);
              odd += load<Isa>(from + a.from.pixel);
            }
            if (p < a.width) even += load<Isa>(from);
            add_new<Isa>(a.sum + c, even + odd, old);
          }
        });
  }
};

}  // namespace

SNT_DEFINE_RUN(Depthwise, DepthwiseArgs)
SNT_DEFINE_RUN(PixelSum, PixelSumArgs)

}  // namespace snt::kernels
