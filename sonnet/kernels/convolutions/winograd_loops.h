// File: kernels/convolutions/winograd_loops.h
// The loops of kernels/convolutions/winograd.h, on one thread.
//
// A tile is a square of 4 x 4 outputs, for which 6 x 6 numbers of the input
// matter. Its transform are 36 numbers; those of one place for all tiles are a
// plane, a matrix [tiles, channels], of which parts of two vectors of channels
// lie apart:
//
//   at(place, tile, c) = place * plane + c / (2 W) * part + tile * row
//                        + c % (2 W)
//
// With part = 2 W rows are contiguous, as the left side of a product wants
// them; with row = 2 W they are panels, as its right side does.

#pragma once

#include <cstdint>

namespace snt::kernels {

constexpr int kTileSide = 4;    // Outputs of a tile, down and across.
constexpr int kTilePlaces = 6;  // Numbers of its transform, down and across.

struct Planes {
  float* data = nullptr;
  int64_t plane = 0, part = 0, row = 0;
};

// Tiles [first, first + count) of images [height, width, channels].
struct ImageTiles {
  int64_t height, width, channels;
  int64_t down, across;  // Tiles of an image.
  int64_t first, count;
};

// to[tile] = T x T^T of 6 x 6 numbers of x, of which the first tile's begin
// `top` above and `left` to the left of the image. Numbers outside are zeros.
// Channels up to a multiple of two vectors are written.
struct InputTilesArgs {
  ImageTiles tiles;
  const float* x;
  int64_t top, left;
  Planes to;  // Its row 0 is the first tile's.
};
void run_InputTiles(InputTilesArgs& args);

// The same for the 4 x 4 gradients of a tile's outputs.
void run_OutputGradientTiles(InputTilesArgs& args);

// y = relu(factor T m T^T + shift + addend) of a tile's sums of products.
struct OutputTilesArgs {
  ImageTiles tiles;
  Planes from;          // Its row 0 is the first tile's.
  const float* factor;  // [channels] or null, for 1.
  const float* shift;   // [channels] or null, for 0.
  const float* addend;  // As y, or null.
  bool relu;            // Makes 0 of NaN.
  float* y;
};
void run_OutputTiles(OutputTilesArgs& args);

// 3 x 3 weights of any strides, which may be negative, for `depth` channels of
// the left and `columns` of the right side.
struct TileWeights {
  int64_t depth, columns;
  int64_t down, across, to_depth, to_column;  // Strides.
};

// to[r] = G w G^T, for channels [first, last) of the left side: r is its row.
struct WeightsArgs {
  TileWeights shape;
  const float* w;
  int64_t first, last;
  Planes to;
};
void run_WeightTiles(WeightsArgs& args);

// w = G^T u G, of the sum of `copies` planes that are `copy` numbers apart.
struct WeightGradientArgs {
  TileWeights shape;
  Planes from;
  int64_t copies, copy;
  int64_t first, last;
  float* w;
};
void run_WeightGradientTiles(WeightGradientArgs& args);

// The product of one plane: out = left panel for each panel of two vectors of
// columns, or, with `adds`, out += left^T panel.
struct PlaneProductArgs {
  int64_t rows, depth, panels;
  const float* left;
  int64_t left_row;
  const float* right;  // Panels, one behind the other.
  int64_t panel;       // Numbers from one to the next.
  float* out;
  int64_t out_row;
  bool adds;
};
void run_PlaneProduct(PlaneProductArgs& args);

}  // namespace snt::kernels
