// File: kernels/convolutions/reference_test.h
// A convolution by its definition, by libtorch in float64, for the tests of
// those that are fast.

#pragma once

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <vector>

#include "sonnet/kernels/convolutions/conv_plan.h"
#include "sonnet/testing/expect_close.h"

namespace snt::kernels {

// A convolution and arrays for it; b may be undefined.
struct ConvCase {
  ConvWindow window;
  ConvSizes y_sizes;
  at::Tensor x, w, b;
};

inline at::Tensor random_channels_last(const ConvSizes& sizes) {
  return at::empty_strided(sizes, channels_last_strides(sizes)).normal_();
}

inline at::Tensor wide(const at::Tensor& t) {
  return t.defined() ? t.to(at::kDouble).contiguous() : t;
}

inline at::Tensor padded_wide(const at::Tensor& x, const ConvWindow& window) {
  ConvSizes zeros;  // Last dimension first.
  for (size_t i = window.before.size(); i-- > 0;) {
    zeros.insert(zeros.end(), {window.before[i], window.after[i]});
  }
  return at::constant_pad_nd(wide(x), zeros);
}

inline at::Tensor slow_convolution(const ConvCase& c) {
  const ConvSizes none(c.window.stride.size(), 0);
  return at::convolution(padded_wide(c.x, c.window), wide(c.w), wide(c.b),
                         c.window.stride, none, c.window.rate, false, none,
                         c.window.groups);
}

// The transpose of a linear map: its gradient, as a function of dy.
inline at::Tensor slow_transpose(const at::Tensor& y, const ConvCase& c) {
  const at::Tensor x = at::zeros(c.x.sizes(), at::kDouble).requires_grad_();
  const ConvCase linear = {c.window, c.y_sizes, x, c.w, at::Tensor()};
  return torch::autograd::grad({slow_convolution(linear)}, {x}, {wide(y)}, true,
                               true)[0];
}

inline std::vector<at::Tensor> leaves_of(const ConvCase& c) {
  std::vector<at::Tensor> leaves = {c.x, c.w};
  if (c.b.defined()) leaves.push_back(c.b);
  return leaves;
}

// By how many terms each number of a sum has.
inline void expect_sum(const at::Tensor& got, const at::Tensor& want,
                       double terms) {
  ASSERT_EQ(got.sizes(), want.sizes());
  expect_close(got / std::sqrt(terms), want / std::sqrt(terms), 10);
}

}  // namespace snt::kernels
