// File: layers/slow_norm_test.h
// Normalisation by loops, for tests of the norms.

#pragma once

#include <ATen/ATen.h>

#include <cmath>
#include <cstdint>
#include <functional>
#include <map>
#include <vector>

namespace snt {

using Index = std::vector<int64_t>;

// (x - mean) / sqrt(variance + eps) in float64, where mean and variance are
// those of all elements whose indices have the same key.
inline at::Tensor slow_norm(const at::Tensor& x, double eps,
                            const std::function<Index(Index)>& key) {
  const at::Tensor flat = x.detach().to(at::kDouble).contiguous().view({-1});
  const double* values = flat.data_ptr<double>();
  std::vector<Index> keys;
  std::map<Index, std::vector<double>> sets;
  for (int64_t i = 0; i < flat.numel(); ++i) {
    Index index(x.dim());
    for (int64_t rest = i, d = x.dim() - 1; d >= 0; rest /= x.size(d--)) {
      index[d] = rest % x.size(d);
    }
    keys.push_back(key(index));
    sets[keys.back()].push_back(values[i]);
  }
  const at::Tensor result = at::empty_like(flat);
  for (int64_t i = 0; i < flat.numel(); ++i) {
    const std::vector<double>& set = sets[keys[i]];
    const auto n = static_cast<double>(set.size());
    double mean = 0;
    double variance = 0;
    for (double v : set) mean += v / n;
    for (double v : set) variance += (v - mean) * (v - mean) / n;
    result.data_ptr<double>()[i] =
        (values[i] - mean) / std::sqrt(variance + eps);
  }
  return result.view(x.sizes());
}

// The same with all elements together whose indices differ in `axes` only.
inline at::Tensor slow_norm(const at::Tensor& x, double eps,
                            const Index& axes) {
  return slow_norm(x, eps, [&](Index index) {
    for (int64_t a : axes) index[a] = 0;
    return index;
  });
}

}  // namespace snt
