#include "sonnet/kernels/convolutions/taps.h"

#include <algorithm>
#include <optional>

namespace snt::kernels {
namespace {

// The taps of one place in the order of what they meet: `read(k)`, if anything.
template <class Read>
TapRun taps_at(int64_t place, int64_t kernel, bool last_first,
               const Read& read) {
  TapRun run = {place, 1, 1, 0, 1, 0, 0, 0, 0};
  for (int64_t i = 0; i < kernel; ++i) {
    const int64_t k = last_first ? kernel - 1 - i : i;
    const std::optional<int64_t> from = read(k);
    if (!from) continue;
    if (run.taps == 0) {
      run.tap = k;
      run.from = *from;
    } else if (run.taps == 1) {
      run.tap_step = k - run.tap;
      run.from_tap = *from - run.from;
    }
    ++run.taps;
  }
  return run;
}

// Every `step`th of `size` places meets the same taps, but at the borders.
template <class Read>
std::vector<TapRun> runs_of(int64_t size, int64_t step, int64_t from_place,
                            int64_t kernel, bool last_first, const Read& read) {
  std::vector<TapRun> runs;
  for (int64_t phase = 0; phase < std::min(step, size); ++phase) {
    const size_t first = runs.size();
    for (int64_t place = phase; place < size; place += step) {
      TapRun run = taps_at(place, kernel, last_first,
                           [&](int64_t k) { return read(place, k); });
      run.step = step;
      run.from_place = from_place;
      if (runs.size() > first && runs.back().tap == run.tap &&
          runs.back().taps == run.taps) {
        ++runs.back().places;
      } else {
        runs.push_back(run);
      }
    }
  }
  return runs;
}

std::optional<int64_t> if_within(int64_t place, int64_t size) {
  if (place < 0 || place >= size) return std::nullopt;
  return place;
}

}  // namespace

std::vector<TapRun> taps_of_y(const TapAxis& a) {
  return runs_of(a.y, 1, a.stride, a.w, /*last_first=*/false,
                 [&](int64_t i, int64_t k) {
                   return if_within(i * a.stride + k * a.rate - a.before, a.x);
                 });
}

std::vector<TapRun> taps_of_x(const TapAxis& a) {
  return runs_of(a.x, a.stride, 1, a.w, /*last_first=*/true,
                 [&](int64_t place, int64_t k) -> std::optional<int64_t> {
                   const int64_t start = place + a.before - k * a.rate;
                   if (start < 0 || start % a.stride != 0) return std::nullopt;
                   return if_within(start / a.stride, a.y);
                 });
}

std::vector<TapRun> in_pieces(const std::vector<TapRun>& runs, int64_t most) {
  std::vector<TapRun> all;
  for (const TapRun& run : runs) {
    for (int64_t p = 0; p < run.places; p += most) {
      TapRun piece = run;
      piece.first += p * run.step;
      piece.from += p * run.from_place;
      piece.places = std::min(most, run.places - p);
      all.push_back(piece);
    }
  }
  return all;
}

std::vector<TapRun> by_place(const std::vector<TapRun>& runs) {
  std::vector<TapRun> all = in_pieces(runs, 1);
  std::sort(all.begin(), all.end(),
            [](const TapRun& a, const TapRun& b) { return a.first < b.first; });
  return all;
}

}  // namespace snt::kernels
