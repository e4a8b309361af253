// Single convolutions: gradients of the sum of the result.

#include "benchmarks/sizes.h"
#include "benchmarks/workloads.h"

namespace benchmarks {
namespace {

using sizes::kImage;

constexpr int64_t kPixels = kImage[0] * kImage[1] * kImage[2];

// `flop`: operations of the forward pass. The input is read, its gradient
// written.
template <class M>
Work conv_grad(const M& conv, at::IntArrayRef shape, double flop) {
  const at::Tensor x = numbers(shape);
  return {gradients(conv, conv, x),
          {3 * flop, bytes(2 * static_cast<double>(x.numel()))}};
}

}  // namespace

std::vector<Row> convolution_rows() {
  return {
      {"conv2d_grad",
       [] {
         return conv_grad(snt::Conv2D{64, 3}, kImage,
                          product(kPixels, 9 * 64, 64));
       }},
      {"conv2d_transpose_grad",
       [] {
         return conv_grad(
             snt::Conv2DTranspose{
                 .output_channels = 32, .kernel_shape = 4, .stride = 2},
             {16, 28, 28, 64}, product(16 * 28 * 28, 64, 16 * 32));
       }},
      {"depthwise_conv2d_grad",
       [] {
         return conv_grad(snt::DepthwiseConv2D{3}, kImage,
                          product(kPixels, 9, 64));
       }},
  };
}

}  // namespace benchmarks
