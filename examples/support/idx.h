// File: examples/support/idx.h
// Images and labels in the IDX format, in which MNIST is published.

#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

namespace examples {

// Images and the class of each.
struct LabelledImages {
  at::Tensor images;  // [N, H, W] uint8, 0 for background.
  at::Tensor labels;  // [N] int64, from 0.
};

// What a model learns from, and what it is tested with.
struct DataSet {
  LabelledImages train;
  LabelledImages test;  // Of the same height and width.
};

// The bytes of an IDX file with `rank` dimensions, plain or gzip, as uint8.
//
// Throws std::runtime_error, which names the file, unless it is a regular file
// that holds exactly what its header says: bytes, `rank` dimensions, none of
// them 0, and no byte more or less; for gzip also when its checksum is wrong.
at::Tensor read_idx(const std::string& file, int rank);

// The data set of a folder with the four files of MNIST:
//
//     train-images-idx3-ubyte   train-labels-idx1-ubyte
//     t10k-images-idx3-ubyte    t10k-labels-idx1-ubyte
//
// each plain or with ".gz" behind it; ".idx3" may stand for "-idx3".
//
// Throws std::runtime_error for a file that is missing or damaged, when there
// are more images than labels or fewer, when train and test images differ in
// size, and for a label that is not below `classes`.
DataSet read_data_set(const std::string& folder, int64_t classes);

}  // namespace examples
