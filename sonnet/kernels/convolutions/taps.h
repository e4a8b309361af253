// File: kernels/convolutions/taps.h
// Which elements of a window, its taps, meet which places of an array along one
// axis. Zeros around the array are left out: they are never read.

#pragma once

#include <cstdint>
#include <vector>

namespace snt::kernels {

// An axis of y[i] = sum_k w[k] x[i stride + k rate - before].
struct TapAxis {
  int64_t x, w, y;  // Sizes.
  int64_t stride, rate, before;
};

// Places of one array, the written one, that use the same taps:
//
//   place p in [0, places)  is  first + p step
//   tap t in [0, taps)      is  tap + t tap_step, and meets at place p the
//                               element  from + t from_tap + p from_place
//                               of the other array, the one that is read
struct TapRun {
  int64_t first, step, places;
  int64_t tap, tap_step, taps;
  int64_t from, from_tap, from_place;
};

// All places of y, which reads x; and all of x's gradient, which reads y's.
// from_tap is positive. A place that no tap meets is in a run of 0 taps.
std::vector<TapRun> taps_of_y(const TapAxis& axis);
std::vector<TapRun> taps_of_x(const TapAxis& axis);

// The same in runs of at most so many places.
std::vector<TapRun> in_pieces(const std::vector<TapRun>& runs, int64_t most);

// One run for each place, in their order.
std::vector<TapRun> by_place(const std::vector<TapRun>& runs);

}  // namespace snt::kernels
