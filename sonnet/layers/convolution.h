// File: layers/convolution.h
// What all convolutions share: checks of options and inputs, and the weights;
// for .cc files of this library only.

#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "sonnet/core/initializer.h"
#include "sonnet/core/variable.h"
#include "sonnet/layers/one_or_list.h"

namespace snt::detail {

// The parts of a convolution of any class.
struct ConvolutionParts {
  const char* type;      // "Conv2D".
  int64_t spatial_dims;  // 1, 2 or 3.
  int64_t input_dim;     // The dimension of w that holds the input channels.
  const IntOrList& kernel_shape;
  const IntOrList& stride;
  const IntOrList& rate;
  bool with_bias;
  const Initializer& w_init;
  const Initializer& b_init;
  const std::string& data_format;
  const Variable& w;
  const Variable& b;
};

template <class Layer>
ConvolutionParts parts_of(const Layer& layer, const char* type,
                          int64_t spatial_dims, int64_t input_dim) {
  return {type,         spatial_dims,      input_dim,       layer.kernel_shape,
          layer.stride, layer.rate,        layer.with_bias, layer.w_init,
          layer.b_init, layer.data_format, layer.w,         layer.b};
}

// Throws for options that no convolution can have.
void check_convolution(const ConvolutionParts& parts);

// What one output sees: a number for each spatial dimension.
struct Window {
  std::vector<int64_t> kernel;
  std::vector<int64_t> stride;
  std::vector<int64_t> rate;

  // The size of the kernel with the gaps in it.
  int64_t extent(size_t i) const { return (kernel[i] - 1) * rate[i] + 1; }
};
Window window_of(const ConvolutionParts& parts);

// x as a view with its channels in dimension 1.
//
// Throws ValueError for another rank, or for other channels than w has.
at::Tensor channels_first_input(const ConvolutionParts& parts,
                                const at::Tensor& x);

// What a convolution multiplies with and adds.
struct ConvolutionWeights {
  const at::Tensor& w;
  at::Tensor b;  // Undefined without a bias.
};

// Both, created like x if this is the first call; w without an initializer is
// drawn with a standard deviation of 1 / sqrt(fan_in).
//
// Throws TypeError when x has another dtype than w.
ConvolutionWeights convolution_weights(const ConvolutionParts& parts,
                                       const at::Tensor& x,
                                       const std::vector<int64_t>& w_shape,
                                       int64_t output_channels, int64_t fan_in);

}  // namespace snt::detail
