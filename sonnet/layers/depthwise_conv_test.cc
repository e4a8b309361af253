#include "sonnet/layers/depthwise_conv.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "sonnet/core/errors.h"
#include "sonnet/layers/slow_convolution_test.h"
#include "sonnet/testing/expect_close.h"
#include "sonnet/testing/expect_gradients.h"
#include "sonnet/testing/message_of.h"
#include "sonnet/testing/uneven.h"

namespace snt::depthwise_conv_test {
namespace {

at::Tensor uneven_kernels(at::IntArrayRef shape, at::ScalarType dtype) {
  return uneven(shape, dtype, 5);
}

// Each channel by itself, through the definition of the full convolution.
at::Tensor slow_depthwise(const at::Tensor& x, const DepthwiseConv2D& conv,
                          const SlowWindow& window) {
  const at::Tensor w = conv.w.value().to(at::kDouble);
  std::vector<at::Tensor> outputs;
  for (int64_t c = 0; c < x.size(-1); ++c) {
    outputs.push_back(slow_convolution(x.to(at::kDouble).narrow(-1, c, 1),
                                       w.narrow(2, c, 1), window));
  }
  return at::cat(outputs, -1) + conv.b.value();
}

TEST(DepthwiseConv2DTest, AgainstOneChannelAtATime) {
  struct Case {
    IntOrList kernel, stride, rate;
    const char* padding;
  };
  for (const Case& c : std::vector<Case>{{3, 1, 1, "SAME"},
                                         {{2, 3}, 2, 1, "SAME"},
                                         {{3, 2}, {1, 2}, 1, "VALID"},
                                         {2, 1, {1, 3}, "VALID"},
                                         {{2, 3}, 2, {3, 2}, "SAME"}}) {
    DepthwiseConv2D conv{.kernel_shape = c.kernel,
                         .channel_multiplier = 2,
                         .stride = c.stride,
                         .rate = c.rate,
                         .padding = c.padding,
                         .w_init = uneven_kernels,
                         .b_init = uneven_kernels};
    const at::Tensor x = uneven({2, 6, 5, 3});
    const at::Tensor y = conv(x);
    const auto both = [](const IntOrList& option) {
      const std::vector<int64_t>& v = option.values();
      return std::vector<int64_t>{v.front(), v.back()};
    };
    SlowWindow window{both(c.stride), both(c.rate), {{0, 0}, {0, 0}}};
    if (conv.padding == "SAME") {
      for (int64_t i : {0, 1}) {
        window.zeros[i] = slow_same(x.size(1 + i), both(c.kernel)[i],
                                    window.stride[i], window.rate[i]);
      }
    }
    expect_close(y, slow_depthwise(x, conv, window), 10);
    conv.data_format = "NCHW";
    expect_close(conv(x.movedim(-1, 1).contiguous()).movedim(1, -1), y, 10);
  }
}

TEST(DepthwiseConv2DTest, EveryDtype) {
  for (at::ScalarType dtype :
       {at::kFloat, at::kDouble, at::kHalf, at::kBFloat16}) {
    const DepthwiseConv2D conv{
        .kernel_shape = 2, .w_init = uneven_kernels, .b_init = uneven_kernels};
    const at::Tensor x = uneven({2, 3, 4, 3}, dtype);
    const at::Tensor y = conv(x);
    expect_close(y, slow_depthwise(x, conv, {{1, 1}, {1, 1}, {{0, 1}, {0, 1}}}),
                 dtype, 10);
  }
}

TEST(DepthwiseConv2DTest, Gradients) {
  const DepthwiseConv2D conv{.kernel_shape = {2, 3},
                             .channel_multiplier = 2,
                             .w_init = uneven_kernels,
                             .b_init = uneven_kernels};
  const at::Tensor x = uneven({2, 3, 3, 2}).requires_grad_();
  conv(x);
  expect_gradients([&] { return conv(x); },
                   {x, conv.w.value(), conv.b.value()});
}

TEST(DepthwiseConv2DTest, DefaultsLookAtTheKernelOnly) {
  const DepthwiseConv2D conv{.kernel_shape = {3, 2}, .channel_multiplier = 8};
  conv(at::ones({1, 4, 4, 200}));
  EXPECT_EQ(conv.w.shape(), at::IntArrayRef({3, 2, 200, 8}));
  EXPECT_EQ(conv.b.shape(), at::IntArrayRef({1600}));
  EXPECT_EQ(conv.input_channels(), 200);
  EXPECT_NEAR(conv.w.value().std().item<double>(), 0.8796 / std::sqrt(6), 0.02);
}

TEST(DepthwiseConv2DTest, Errors) {
  const auto of = [](const DepthwiseConv2D& conv) {
    return message_of([&] { conv(at::ones({2, 4, 5, 3})); });
  };
  EXPECT_EQ(of({.kernel_shape = 2, .padding = "same"}),
            "[DepthwiseConv2D] padding must be SAME or VALID, got same");
  EXPECT_EQ(of({.kernel_shape = 2, .channel_multiplier = 0}),
            "[DepthwiseConv2D] channel_multiplier must be > 0, got 0");
  EXPECT_EQ(of({.kernel_shape = 5, .padding = "VALID"}),
            "nothing was thrown");  // No row fits, as in TensorFlow.
  EXPECT_EQ(of({.kernel_shape = 6, .padding = "VALID"}),
            "[DepthwiseConv2D] the kernel covers 6 elements, but spatial "
            "dimension 0 of x has, with its padding, 4");
  EXPECT_THROW(
      (DepthwiseConv2D{.kernel_shape = 2, .stride = {1, 2, 3}}.check()),
      TypeError);
}

}  // namespace
}  // namespace snt::depthwise_conv_test
