// File: initializers/distributions.h
// Independent random numbers: RandomUniform, RandomNormal, TruncatedNormal.
//
// All of them are drawn on the CPU from snt::random::generator, in float32 (in
// float64 for float64) and then rounded to the dtype. A `seed` fixes the
// numbers up to the global snt::seed; two calls with one seed still give
// different ones.

#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>

namespace snt::initializers {

// Uniform numbers: x ~ U[minval, maxval), for integer dtypes any of the
// integers minval, ..., maxval - 1.
//
//   shape  any
//   dtype  any integer or floating dtype
//
//     snt::initializers::RandomUniform uniform{.minval = -0.1, .maxval = 0.1};
//     at::Tensor w = uniform({4, 3});
//     snt::initializers::RandomUniform die{.minval = 1, .maxval = 7};
//     at::Tensor throws = die({100}, at::kLong);
//
// No number lies outside the interval, whatever the dtype rounds to; where the
// dtype has no number inside it, all are the nearest to minval.
//
// Throws ValueError when `dtype` is neither an integer nor a floating dtype,
// when minval > maxval, and when they are equal for an integer dtype; TypeError
// when an integer dtype does not hold them exactly.
struct RandomUniform {
  double minval = 0;                 // Lower bound, included.
  double maxval = 1;                 // Upper bound, excluded; >= minval.
  std::optional<int64_t> seed = {};  // Unset: the stream of the Variable.

  // Throws ValueError unless minval <= maxval.
  void check() const;

  // New numbers, uniform in [minval, maxval).
  at::Tensor operator()(at::IntArrayRef shape,
                        at::ScalarType dtype = at::kFloat) const;
};

// Normal numbers: x ~ N(mean, stddev^2).
//
//   shape  any
//   dtype  any floating dtype
//
//     at::Tensor w = snt::initializers::RandomNormal{.stddev = 0.02}({4, 3});
//
// Throws ValueError when `dtype` is not floating or stddev < 0.
struct RandomNormal {
  double mean = 0.0;                 // Mean.
  double stddev = 1.0;               // Standard deviation, >= 0.
  std::optional<int64_t> seed = {};  // Unset: the stream of the Variable.

  // Throws ValueError unless stddev >= 0.
  void check() const;

  // New numbers of N(mean, stddev^2).
  at::Tensor operator()(at::IntArrayRef shape,
                        at::ScalarType dtype = at::kFloat) const;
};

// Normal numbers without tails: x ~ N(mean, stddev^2), drawn again while
// |x - mean| > 2 stddev.
//
//   shape  any
//   dtype  any floating dtype
//
//     at::Tensor w = snt::initializers::TruncatedNormal{.stddev = 0.1}({4, 3});
//
// `stddev` is that of the normal distribution: without its tails the standard
// deviation of the numbers is 0.87962566 stddev. VarianceScaling corrects this,
// here it stays, as in Sonnet. No number exceeds the bounds by rounding.
//
// Throws ValueError when `dtype` is not floating or stddev < 0.
struct TruncatedNormal {
  double mean = 0.0;                 // Mean, and the centre of the bounds.
  double stddev = 1.0;               // Before truncation, >= 0.
  std::optional<int64_t> seed = {};  // Unset: the stream of the Variable.

  // Throws ValueError unless stddev >= 0.
  void check() const;

  // New numbers within two stddev of the mean.
  at::Tensor operator()(at::IntArrayRef shape,
                        at::ScalarType dtype = at::kFloat) const;
};

}  // namespace snt::initializers
