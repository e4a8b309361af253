// File: kernels/convolutions/depthwise_loops.h
// The loops of kernels/convolutions/depthwise.h over some rows of one image, on
// one thread. Each channel is by itself, so channels lie in vectors.

#pragma once

#include <cstdint>
#include <vector>

#include "sonnet/kernels/convolutions/taps.h"

namespace snt::kernels {

// At least so many channels; the last vector of them may overlap the one
// before.
constexpr int64_t kFewestDepthwiseChannels = 16;

// An image that is read: floats from one row, and from one pixel, to the next.
// Both may be 0.
struct DepthwiseImage {
  const float* data;
  int64_t row;
  int64_t pixel;
};

// With the taps of rows and columns, for all places of the given rows:
//
//   to[place] = b + sum_taps w[tap] from[place, tap]     if `to` is given
//   products[tap] += sum_places with[place] from[place, tap]   if `with` is
//
// `to` and `with` are images of the same size, dense.
struct DepthwiseArgs {
  const TapRun* rows;  // Of one place each.
  int64_t row_count;
  const std::vector<TapRun>* columns;
  int64_t width;  // Of `to` and `with`.
  int64_t channels;
  DepthwiseImage from;
  const float* w;  // [height, width, channels] of the kernel
  int64_t w_row;   // Floats from one row of w to the next.
  const float* b;  // [channels], or nullptr.
  float* to;
  const float* with;
  float* products;  // As w.
};
void run_Depthwise(DepthwiseArgs& args);

// sum[c] += the channel's numbers in `rows` rows of `width` pixels.
struct PixelSumArgs {
  DepthwiseImage from;
  int64_t rows;
  int64_t width;
  int64_t channels;
  float* sum;
};
void run_PixelSum(PixelSumArgs& args);

}  // namespace snt::kernels
