// File: optimizers/reference_test.h
// Compares an optimizer with a slow one that knows only single numbers. For
// tests only.

#pragma once

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "sonnet/core/variable.h"

namespace snt::optimizers {

// Numbers that differ in size, sign and value, and are never 0.
inline at::Tensor uneven(at::IntArrayRef shape, int64_t salt,
                         at::ScalarType dtype) {
  at::Tensor result = at::empty(shape, at::kDouble);
  double* values = result.data_ptr<double>();
  for (int64_t i = 0; i < result.numel(); ++i) {
    const auto k = static_cast<double>(i + 1);
    const auto s = static_cast<double>(salt + 1);
    values[i] = (0.1 + 0.07 * s) * std::sin(1.7 * k + 2.3 * s) + 0.01;
  }
  return result.to(dtype);
}

// The updates of one step, dense and of rows, with one that is missing at every
// other step, duplicate rows, a scalar, and no rows at all at step 3.
struct Updates {
  static std::vector<Variable> parameters(at::ScalarType dtype) {
    return {Variable(uneven({3, 2}, 8, dtype)), Variable(uneven({4}, 9, dtype)),
            Variable(uneven({}, 10, dtype)),
            Variable(uneven({5, 2}, 11, dtype))};
  }

  Updates(int64_t step, at::ScalarType dtype)
      : tensors{uneven({3, 2}, step, dtype),
                step % 2 == 0 ? uneven({4}, step + 20, dtype) : at::Tensor(),
                uneven({}, step + 40, dtype), rows(step, dtype)} {}

  // The update of one element, or nothing when it is not touched.
  std::vector<std::pair<int64_t, double>> elements(size_t parameter) const {
    std::map<int64_t, double> sums;
    const at::Tensor& tensor = tensors[parameter];
    if (!tensor.defined()) return {};
    if (tensor.is_sparse()) {
      const at::Tensor indices = tensor._indices()[0];
      const at::Tensor values = tensor._values().to(at::kDouble);
      for (int64_t r = 0; r < indices.numel(); ++r) {
        const int64_t row = indices[r].item<int64_t>();
        for (int64_t c = 0; c < 2; ++c) {
          sums[2 * row + c] += values[r][c].item<double>();
        }
      }
    } else {
      const at::Tensor flat = tensor.to(at::kDouble).reshape({-1});
      for (int64_t i = 0; i < flat.numel(); ++i) {
        sums[i] = flat[i].item<double>();
      }
    }
    return {sums.begin(), sums.end()};
  }

  std::vector<at::Tensor> tensors;

 private:
  static at::Tensor rows(int64_t step, at::ScalarType dtype) {
    std::vector<int64_t> indices;
    if (step != 3) indices = {3, step % 4, 3, 0};
    const auto count = static_cast<int64_t>(indices.size());
    return at::sparse_coo_tensor(at::tensor(indices, at::kLong).view({1, -1}),
                                 uneven({count, 2}, step + 60, dtype), {5, 2});
  }
};

// Takes six steps with `optimizer` and, for each number, with a copy of
// `reference`, called as reference(theta, g, t) with t from 1: all parameters
// must agree after each step.
template <class Optimizer, class Reference>
void expect_same_steps(const Optimizer& optimizer, const Reference& reference,
                       at::ScalarType dtype, double tolerance) {
  const std::vector<Variable> parameters = Updates::parameters(dtype);
  std::vector<std::vector<double>> thetas;
  std::vector<std::vector<Reference>> references;
  for (const Variable& parameter : parameters) {
    const at::Tensor flat = parameter.value().to(at::kDouble).reshape({-1});
    const double* values = flat.data_ptr<double>();
    thetas.emplace_back(values, values + flat.numel());
    references.emplace_back(thetas.back().size(), reference);
  }

  for (int64_t step = 0; step < 6; ++step) {
    const Updates updates(step, dtype);
    optimizer.apply(updates.tensors, parameters);

    for (size_t p = 0; p < parameters.size(); ++p) {
      for (const auto& [i, g] : updates.elements(p)) {
        thetas[p][i] = references[p][i](thetas[p][i], g, step + 1);
      }
      const at::Tensor got =
          parameters[p].value().to(at::kDouble).reshape({-1});
      for (size_t i = 0; i < thetas[p].size(); ++i) {
        EXPECT_NEAR(got[i].item<double>(), thetas[p][i], tolerance)
            << "step " << step << ", parameter " << p << ", element " << i;
      }
    }
  }
}

// The same in every floating dtype. Hyper-parameters must be powers of two and
// their like, which all of them hold exactly.
template <class Make, class Reference>
void expect_same_steps(const Make& make, const Reference& reference) {
  expect_same_steps(make(), reference, at::kDouble, 1e-14);
  expect_same_steps(make(), reference, at::kFloat, 2e-6);
  expect_same_steps(make(), reference, at::kHalf, 6e-3);
  expect_same_steps(make(), reference, at::kBFloat16, 5e-2);
}

}  // namespace snt::optimizers
