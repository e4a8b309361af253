// File: layers/norm.h
// What the norms share; for .cc files of this library only.

#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "sonnet/core/initializer.h"
#include "sonnet/core/remembered.h"
#include "sonnet/core/variable.h"
#include "sonnet/layers/axis.h"

namespace snt::detail {

// The fields that all norms have.
struct Norm {
  const char* type;  // "LayerNorm".
  bool create_scale;
  bool create_offset;
  double eps;
  const Initializer& scale_init;
  const Initializer& offset_init;
  const std::string& data_format;
  const Variable& scale;
  const Variable& offset;

  // For errors: "LayerNorm body/norm".
  Who who() const { return {type, scale.is_built() ? scale : offset}; }
};
template <class M>
Norm norm_of(const char* type, const M& m) {
  return {type,          m.create_scale, m.create_offset, m.eps,   m.scale_init,
          m.offset_init, m.data_format,  m.scale,         m.offset};
}

// Throws ValueError for options that contradict each other. Some of Sonnet's
// messages end in `stop`, some in nothing.
void check_options(const Norm& norm, const char* stop);

// Throws TypeError unless x is floating, ValueError for x of too small a rank,
// and for a scale or offset that is given although there is a variable.
void check_call(const Norm& norm, const at::Tensor& x, int64_t min_rank,
                const at::Tensor& scale, const at::Tensor& offset);

// Remembers the rank of the first x. Throws ValueError when it has changed.
void check_rank(const Norm& norm, const Remembered<int64_t>& rank,
                const at::Tensor& x);

// What x is multiplied with, and what is added; either may be undefined.
struct ScaleAndOffset {
  at::Tensor scale;
  at::Tensor offset;
};

// The variables where they are to be created, else what was given.
//
// Throws TypeError for another dtype than that of x, ValueError for a shape
// that does not fit x.
ScaleAndOffset create_or_take(const Norm& norm, const at::Tensor& x,
                              const at::Tensor& scale,
                              const at::Tensor& offset);
// The same for batch norms: the variables exist in any case, but are trained
// only where they are to be created.
ScaleAndOffset create_always(const Norm& norm, const at::Tensor& x,
                             const at::Tensor& scale, const at::Tensor& offset);

// Mean and variance (that of the population), with dimensions of size 1.
struct Moments {
  at::Tensor mean;
  at::Tensor variance;
};
Moments moments(const at::Tensor& x, const std::vector<int64_t>& axes);

// (x - mean) / sqrt(variance + eps) * scale + offset, in one pass over x.
at::Tensor normalize(const at::Tensor& x, const Moments& moments, double eps,
                     const ScaleAndOffset& parameters);

// The same with the moments of x over `axes`.
at::Tensor normalize_over(const at::Tensor& x, const std::vector<int64_t>& axes,
                          double eps, const ScaleAndOffset& parameters);

// x * scale + offset, as far as these are defined.
at::Tensor apply(const ScaleAndOffset& parameters, const at::Tensor& x);

// A call of LayerNorm or InstanceNorm, whose options were checked.
at::Tensor layer_norm(const Norm& norm, const Axis& axis,
                      const Remembered<int64_t>& rank, const at::Tensor& x,
                      const at::Tensor& scale, const at::Tensor& offset);

}  // namespace snt::detail
