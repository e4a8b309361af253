// File: examples/support/strokes.h
// Drawn digits: a small task for those who have no data at hand.

#pragma once

#include <cstdint>

#include "examples/support/idx.h"

namespace examples {

// How digits are drawn.
struct StrokeOptions {
  int64_t size = 28;     // Height and width of an image.
  double noise = 0.1;    // Standard deviation of each pixel's, of 1 for white.
  uint64_t seed = 1;     // Of everything random.
  double variety = 1.0;  // How much shape and place vary; 0: not at all.
};

// `count` images of the digits 0 to 9, white on black. Each is a few curves
// whose points are moved a little, and is shifted, scaled, slanted, turned and
// drawn with a pen of random width and brightness; then come noise and classes
// in random order. Equal options give equal images, whatever the number of
// threads.
LabelledImages draw_digits(int64_t count, const StrokeOptions& options = {});

}  // namespace examples
