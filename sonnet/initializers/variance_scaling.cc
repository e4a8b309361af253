#include "sonnet/initializers/variance_scaling.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "sonnet/core/errors.h"
#include "sonnet/initializers/distributions.h"
#include "sonnet/initializers/dtypes.h"

namespace snt::initializers {
namespace {

// Standard deviation of N(0, 1) without what is beyond 2:
// scipy.stats.truncnorm.std(a=-2, b=2, loc=0., scale=1.), as Sonnet.
constexpr double kTruncatedStddev = .87962566103423978;

struct Fans {
  double in;
  double out;
};

Fans fans(at::IntArrayRef shape) {
  if (shape.empty()) return {1, 1};
  const auto size = [&](size_t i) { return static_cast<double>(shape[i]); };
  const size_t rank = shape.size();
  if (rank == 1) return {size(0), size(0)};
  double window = 1;
  for (size_t i = 0; i < rank - 2; ++i) window *= size(i);
  return {window * size(rank - 2), window * size(rank - 1)};
}

std::string lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

}  // namespace

void VarianceScaling::check() const {
  snt::check(scale > 0, "VarianceScaling",
             "`scale` must be positive float. Got ", scale);
  snt::check(mode == "fan_in" || mode == "fan_out" || mode == "fan_avg",
             "VarianceScaling", "Invalid `mode` argument: ", mode);
  const std::string kind = lower(distribution);
  snt::check(kind == "truncated_normal" || kind == "normal" ||
                 kind == "untruncated_normal" || kind == "uniform",
             "VarianceScaling", "Invalid `distribution` argument: ", kind);
}

at::Tensor VarianceScaling::operator()(at::IntArrayRef shape,
                                       at::ScalarType dtype) const {
  check();
  detail::check_floating(dtype, "VarianceScaling");

  const auto [in, out] = fans(shape);
  const double fan = mode == "fan_in"    ? in
                     : mode == "fan_out" ? out
                                         : (in + out) / 2;
  const double variance = scale / std::max(1.0, fan);
  const std::string kind = lower(distribution);
  if (kind == "uniform") {
    const double limit = std::sqrt(3 * variance);
    return RandomUniform{-limit, limit, seed}(shape, dtype);
  }
  const double stddev = std::sqrt(variance);
  if (kind == "truncated_normal") {
    return TruncatedNormal{0, stddev / kTruncatedStddev, seed}(shape, dtype);
  }
  return RandomNormal{0, stddev, seed}(shape, dtype);
}

VarianceScaling glorot_uniform(const std::optional<int64_t>& seed) {
  return {1.0, "fan_avg", "uniform", seed};
}

VarianceScaling glorot_normal(const std::optional<int64_t>& seed) {
  return {1.0, "fan_avg", "truncated_normal", seed};
}

VarianceScaling lecun_uniform(const std::optional<int64_t>& seed) {
  return {1.0, "fan_in", "uniform", seed};
}

VarianceScaling lecun_normal(const std::optional<int64_t>& seed) {
  return {1.0, "fan_in", "truncated_normal", seed};
}

VarianceScaling he_uniform(const std::optional<int64_t>& seed) {
  return {2.0, "fan_in", "uniform", seed};
}

VarianceScaling he_normal(const std::optional<int64_t>& seed) {
  return {2.0, "fan_in", "truncated_normal", seed};
}

}  // namespace snt::initializers
