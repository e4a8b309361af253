// File: sizes.h
// The sizes of the rows: those of peers/workloads.py.

#pragma once

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

namespace benchmarks::sizes {

constexpr struct {
  int64_t time = 100, batch = 32, input = 128, hidden = 256;
} kLstm;

constexpr struct {
  int64_t time = 10, batch = 8, height = 32, width = 32, input = 16;
  int64_t channels = 32, kernel = 3;
} kConvLstm;

constexpr struct {
  int64_t time = 64, batch = 32, vocab = 96, embed = 32, hidden = 256;
} kCharLm;

constexpr struct { int64_t rows = 4096, dim = 64, embeddings = 512; } kVq;

constexpr struct { int64_t vocab = 100'000, dim = 64, rows = 4096; } kEmbed;

// NHWC, of the norms and of two convolutions.
constexpr std::array<int64_t, 4> kImage = {32, 56, 56, 64};

// Input and outputs of the two MLPs, and their batches.
struct MlpSizes {
  int64_t batch;
  std::vector<int64_t> sizes;
};
inline const MlpSizes kMlp = {128, {784, 1024, 1024, 10}};
inline const MlpSizes kSmallMlp = {32, {16, 64, 64, 10}};

// Channels and stride of Cifar10ConvNet's layers.
inline const std::vector<std::pair<int64_t, int64_t>> kCifar = {
    {64, 1},  {64, 1},  {128, 2}, {128, 1}, {128, 1}, {256, 2},
    {256, 1}, {256, 1}, {512, 2}, {512, 1}, {512, 1}};

// Blocks and channels of the groups of ResNet50.
inline const std::vector<std::pair<int64_t, int64_t>> kResnet50 = {
    {3, 64}, {4, 128}, {6, 256}, {3, 512}};

// Shapes of ResNet50's trainable variables: 25.5 million numbers.
inline std::vector<std::vector<int64_t>> resnet50_shapes() {
  std::vector<std::vector<int64_t>> shapes = {{7, 7, 3, 64}, {64}, {64}};
  const auto add = [&](std::vector<int64_t> w) {
    const int64_t channels = w.back();
    shapes.insert(shapes.end(), {std::move(w), {channels}, {channels}});
  };
  int64_t input = 64;
  for (const auto& [blocks, width] : kResnet50) {
    for (int64_t block = 0; block < blocks; ++block) {
      if (block == 0) add({1, 1, input, 4 * width});
      add({1, 1, input, width});
      add({3, 3, width, width});
      add({1, 1, width, 4 * width});
      input = 4 * width;
    }
  }
  shapes.insert(shapes.end(), {{2048, 1000}, {1000}});
  return shapes;
}

}  // namespace benchmarks::sizes
