// File: initializers/variance_scaling.h
// Random numbers whose variance follows from the size of the layer, and the
// presets known by their authors' names.

#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <string>

namespace snt::initializers {

// Random numbers with mean 0 and variance scale / n, where n counts what a unit
// is connected to:
//
//   mode      n
//   fan_in    inputs of a unit
//   fan_out   outputs of a unit
//   fan_avg   the mean of both
//
//   distribution       x
//   truncated_normal   TruncatedNormal of stddev sqrt(scale / n) / 0.87962566
//   normal             RandomNormal of stddev sqrt(scale / n)
//   uniform            RandomUniform in [-limit, limit), sqrt(3 scale / n)
//
//   shape                         inputs and outputs
//   []                            1 and 1
//   [size]                        size and size
//   [inputs, outputs]             as it says
//   [window..., inputs, outputs]  both times the product of the window
//
//   dtype  any floating dtype
//
//     snt::initializers::VarianceScaling he{.scale = 2.0};
//     at::Tensor w = he({300, 100});
//     snt::Linear linear{.output_size = 10, .w_init = he};
//
// n is at least 1. Weights of transposed convolutions are [window..., outputs,
// inputs]: use fan_out where fan_in is meant, and the reverse.
//
// Throws ValueError when scale <= 0, for another mode or distribution, and when
// `dtype` is not floating.
struct VarianceScaling {
  double scale = 1.0;           // Factor of the variance, > 0.
  std::string mode = "fan_in";  // fan_in, fan_out or fan_avg.
  // truncated_normal, normal (also untruncated_normal) or uniform; upper and
  // lower case are the same.
  std::string distribution = "truncated_normal";
  std::optional<int64_t> seed = {};  // Unset: the stream of the Variable.

  // Throws ValueError for a scale, mode or distribution that is not allowed.
  void check() const;

  // New numbers with mean 0 and variance scale / n.
  at::Tensor operator()(at::IntArrayRef shape,
                        at::ScalarType dtype = at::kFloat) const;
};

// VarianceScaling(1, fan_avg, uniform): "Understanding the difficulty of
// training deep feedforward neural networks", Glorot and Bengio 2010.
//
//     snt::Linear linear{.output_size = 10,
//                        .w_init = snt::initializers::glorot_uniform()};
VarianceScaling glorot_uniform(const std::optional<int64_t>& seed = {});

// VarianceScaling(1, fan_avg, truncated_normal): Glorot and Bengio 2010.
//
//     at::Tensor w = snt::initializers::glorot_normal()({300, 100});
VarianceScaling glorot_normal(const std::optional<int64_t>& seed = {});

// VarianceScaling(1, fan_in, uniform): "Efficient BackProp", LeCun et al. 1998.
//
//     at::Tensor w = snt::initializers::lecun_uniform()({300, 100});
VarianceScaling lecun_uniform(const std::optional<int64_t>& seed = {});

// VarianceScaling(1, fan_in, truncated_normal): LeCun et al. 1998.
//
//     at::Tensor w = snt::initializers::lecun_normal(/*seed=*/1)({300, 100});
VarianceScaling lecun_normal(const std::optional<int64_t>& seed = {});

// VarianceScaling(2, fan_in, uniform): "Delving deep into rectifiers", He et
// al. 2015, https://arxiv.org/abs/1502.01852; for layers followed by relu.
//
//     at::Tensor w = snt::initializers::he_uniform()({300, 100});
VarianceScaling he_uniform(const std::optional<int64_t>& seed = {});

// VarianceScaling(2, fan_in, truncated_normal): He et al. 2015.
//
//     snt::Linear linear{.output_size = 10,
//                        .w_init = snt::initializers::he_normal()};
VarianceScaling he_normal(const std::optional<int64_t>& seed = {});

}  // namespace snt::initializers
