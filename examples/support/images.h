// File: examples/support/images.h
// The images that an example learns from, chosen on its command line.

#pragma once

#include <ATen/core/Tensor.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>

#include "examples/support/idx.h"

namespace examples {

// What the command line says about the images.
struct ImageOptions {
  std::string folder = {};  // --data
  bool synthetic = false;   // --synthetic
  int64_t size = 10000;     // --images, drawn ones to learn from.
  int64_t batch = 100;      // --batch
  double rate = 1e-3;       // --lr
  uint64_t seed = 1;        // --seed
  double noise = 0.1;       // Of drawn images; no option.
};

// The same for a program that trains for some steps and writes a picture.
struct PictureOptions : ImageOptions {
  int64_t steps = 1000;     // --steps
  std::string output = {};  // --output, a PNG file.
};

// Adds the options to the command line.
void add_options(CLI::App& app, ImageOptions& options);
void add_options(CLI::App& app, PictureOptions& options);

// Seeds everything random. Reads the images, or draws them: a fifth as many to
// test with, but at least ten. All are checked before it returns.
//
// Throws std::runtime_error, where nothing was chosen with a sentence on what
// may be, and what `read_data_set` throws.
DataSet get_images(const ImageOptions& options);

// uint8 images [N, H, W] as floats [N, H, W, 1] from `low` for 0 to `high` for
// 255.
at::Tensor to_floats(const at::Tensor& images, double low, double high);

// `count` of the images, each chosen at random, as floats.
at::Tensor some_of(const at::Tensor& images, int64_t count, double low,
                   double high);

// One line about a data set.
std::string summary(const DataSet& set);

}  // namespace examples
