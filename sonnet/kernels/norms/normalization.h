// File: kernels/norms/normalization.h
// Normalisations of channels-last float32 arrays on a CPU: x is read twice and
// y written once; in the backward pass x and dy are read twice and dx is
// written once, and what is read again is mostly still in the cache.

#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace snt::kernels {

// x seen as [outer, pixels, groups, width], groups * width being its channels.
// Moments are taken over pixels and width:
//
//   layer norm      [N, H, W, C] over C: {N H W, 1, 1, C}, over all: {N, H W,
//   1, C} instance norm   {N, H W, C, 1} group norm      {N, H W, groups, C /
//   groups} batch norm      {1, N H W, C, 1}
struct NormShape {
  int64_t outer, pixels, groups, width;
};

struct Normalized {
  at::Tensor y;         // Of the shape of x.
  at::Tensor mean;      // [outer, groups], without gradients.
  at::Tensor variance;  // The same, that of the population; undefined where
                        // each row has its own (pixels = groups = 1).
};

// Whether `normalize_channels` takes these: plain contiguous float32 tensors on
// a CPU with elements, at least two of them together, and scale and offset with
// one number for each channel, or undefined.
bool takes_normalization(const at::Tensor& x, const at::Tensor& scale,
                         const at::Tensor& offset, const NormShape& shape);

// What follows a normalisation in a network: relu(y + addend).
struct AfterNorm {
  // Of the shape of y, plain and contiguous; or undefined.
  at::Tensor addend = {};
  bool relu = false;
};

// y = (x - mean) / sqrt(variance + eps) * scale + offset, where an undefined
// scale is 1 and offset 0, and what follows. Variances come without
// cancellation: from squares of differences to a number of the same channel.
Normalized normalize_channels(const at::Tensor& x, const at::Tensor& scale,
                              const at::Tensor& offset, const NormShape& shape,
                              double eps, const AfterNorm& after = {});

// y = (x - mean) factor + offset for each channel, numbers that are given as
// [C], and what follows. For x that `normalize_channels` takes; without
// gradients.
at::Tensor normalize_by(const at::Tensor& x, const at::Tensor& mean,
                        const at::Tensor& factor, const at::Tensor& offset,
                        const AfterNorm& after = {});

}  // namespace snt::kernels
