// File: kernels/convolutions/depthwise.h
// Convolutions of images that go over each channel by itself, with channels
// last:
//
//   y[n, c, i, j] = sum_kl w[c, kl] x[n, c, (i, j) stride + kl rate - before]
//                   + b[c]
//
// Zeros around x are left out of the sums. Results do not depend on the number
// of threads.

#pragma once

#include <ATen/core/Tensor.h>

#include "sonnet/kernels/convolutions/conv_plan.h"

namespace snt::kernels {

// Whether a convolution that `takes_convolution` takes is one of these.
//
//   w  [C, 1, height, width], with C groups and enough channels for a vector
bool is_depthwise(const at::Tensor& w, const ConvWindow& window);

// y. b may be undefined.
at::Tensor depthwise_y(const at::Tensor& x, const at::Tensor& w,
                       const at::Tensor& b, const ConvWindow& window,
                       at::IntArrayRef y_sizes);

// The gradient of x from that of y, which may have any strides.
at::Tensor depthwise_x(const at::Tensor& dy, const at::Tensor& w,
                       const ConvWindow& window, at::IntArrayRef x_sizes);

// Which gradients are wanted; and they, undefined where not wanted.
struct DepthwiseWanted {
  bool x, w, b;
};
struct DepthwiseGradients {
  at::Tensor x, w, b;
};

// All gradients in one pass over that of y, which may have any strides.
DepthwiseGradients depthwise_gradients(const at::Tensor& x,
                                       const at::Tensor& dy,
                                       const at::Tensor& w,
                                       const ConvWindow& window,
                                       const DepthwiseWanted& wanted);

}  // namespace snt::kernels
