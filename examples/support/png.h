// File: examples/support/png.h
// Pictures of many small images.

#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

namespace examples {

// Grey images side by side, with a line between them.
//
//   images   [N, H, W] or [N, H, W, 1]: uint8, or floating with 0 for black
//            and 1 for white
//   result   uint8, ceil(N / columns) rows; places without an image are black
at::Tensor tile(const at::Tensor& images, int64_t columns);

// Writes a grey picture [H, W] of uint8 as a PNG file. An earlier file of that
// name stays as it is until the new one is complete.
//
// Throws std::runtime_error when it cannot be written.
void write_png(const std::string& file, const at::Tensor& picture);

// Writes a row of the first 16 images, and below it rows of others.
void write_rows(const std::string& file, const at::Tensor& images,
                const at::Tensor& others);

}  // namespace examples
