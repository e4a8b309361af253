#include "sonnet/layers/conv_transpose.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "sonnet/core/errors.h"
#include "sonnet/initializers/constant.h"
#include "sonnet/layers/conv.h"
#include "sonnet/layers/slow_convolution_test.h"
#include "sonnet/testing/expect_close.h"
#include "sonnet/testing/expect_gradients.h"
#include "sonnet/testing/message_of.h"
#include "sonnet/testing/uneven.h"

namespace snt::conv_transpose_test {
namespace {

using Sizes = std::vector<int64_t>;

at::Tensor uneven_filters(at::IntArrayRef shape, at::ScalarType dtype) {
  return uneven(shape, dtype, 5);
}

// That `conv` and its channels-first twin, which shares the weights, give what
// the definition gives, of these spatial sizes.
template <class Conv>
void expect_transpose(Conv conv, const Sizes& shape, const SlowWindow& window,
                      const Sizes& sizes) {
  conv.w_init = conv.b_init = uneven_filters;
  if (!conv.with_bias) conv.b_init = {};
  const at::Tensor x = uneven(shape);
  const at::Tensor y = conv(x);
  at::Tensor want = slow_transpose(x, conv.w.value(), window, sizes);
  if (conv.with_bias) want += conv.b.value();
  expect_close(y, want, 10);
  EXPECT_EQ(conv.input_channels(), shape.back());

  Conv first = conv;
  first.data_format = "channels_first";
  expect_close(first(x.movedim(-1, 1).contiguous()).movedim(1, -1), y, 10);
}

TEST(ConvTransposeTest, SameForEveryOutputShape) {
  for (int64_t kernel : {1, 2, 3, 4, 7}) {
    for (int64_t stride : {1, 2, 3}) {
      for (int64_t rate : {1, 2}) {
        for (int64_t less = 0; less < stride; ++less) {
          SCOPED_TRACE(format(kernel, " ", stride, " ", rate, " ", less));
          const int64_t size = 4 * stride - less;
          expect_transpose(
              Conv1DTranspose{.output_channels = 2,
                              .kernel_shape = kernel,
                              .output_shape = {{size}},
                              .stride = stride,
                              .rate = rate},
              {2, 4, 3},
              {{stride}, {rate}, {slow_same(size, kernel, stride, rate)}},
              {size});
        }
      }
    }
  }
}

TEST(ConvTransposeTest, DefaultSizes) {
  expect_transpose(
      Conv2DTranspose{.output_channels = 3, .kernel_shape = 2, .stride = 3},
      {2, 3, 4, 2}, {{3, 3}, {1, 1}, {{0, 0}, {0, 0}}}, {9, 12});
  expect_transpose(Conv2DTranspose{.output_channels = 2,
                                   .kernel_shape = {2, 3},
                                   .stride = {3, 1},
                                   .rate = {1, 2},
                                   .padding = "VALID",
                                   .with_bias = false},
                   {2, 3, 4, 3}, {{3, 1}, {1, 2}, {{0, 0}, {0, 0}}}, {10, 8});
  expect_transpose(Conv3DTranspose{.output_channels = 2,
                                   .kernel_shape = {2, 3, 2},
                                   .output_shape = {{3, 5, 4}},
                                   .stride = 2},
                   {1, 2, 3, 2, 3},
                   {{2, 2, 2}, {1, 1, 1}, {{0, 1}, {1, 1}, {0, 0}}}, {3, 5, 4});
}

// <conv(y), x> = <y, transpose(x)>
TEST(ConvTransposeTest, IsTheTransposeOfTheConvolution) {
  const Conv2D conv{.output_channels = 2,
                    .kernel_shape = {4, 3},
                    .stride = {2, 3},
                    .with_bias = false};
  const at::Tensor y = uneven({2, 7, 8, 3});
  const at::Tensor conv_y = conv(y);
  Conv2DTranspose back{.output_channels = 3,
                       .kernel_shape = {4, 3},
                       .output_shape = {{7, 8}},
                       .stride = {2, 3},
                       .with_bias = false};
  back.w = conv.w;  // [4, 3, 3, 2] for both.
  const at::Tensor x = uneven(conv_y.sizes(), at::kDouble, 3);
  expect_close((conv_y * x).sum(), (y * back(x)).sum(), 100);
}

TEST(ConvTransposeTest, OnesOfSonnetsTests) {
  Conv2DTranspose conv{
      .output_channels = 1, .kernel_shape = 3, .w_init = initializers::Ones()};
  const at::Tensor x = at::ones({1, 3, 3, 1});
  EXPECT_TRUE(conv(x).squeeze().equal(
      at::tensor({4.f, 6.f, 4.f, 6.f, 9.f, 6.f, 4.f, 6.f, 4.f}).view({3, 3})));
  conv.padding = "VALID";
  EXPECT_TRUE(
      conv(x).squeeze()[2].equal(at::tensor({3.f, 6.f, 9.f, 6.f, 3.f})));
}

TEST(ConvTransposeTest, EveryDtype) {
  for (at::ScalarType dtype :
       {at::kFloat, at::kDouble, at::kHalf, at::kBFloat16}) {
    const ConvNDTranspose conv{.num_spatial_dims = 2,
                               .output_channels = 3,
                               .kernel_shape = 3,
                               .stride = 2,
                               .w_init = uneven_filters,
                               .b_init = uneven_filters,
                               .data_format = "NHWC"};
    const at::Tensor x = uneven({2, 2, 3, 2}, dtype);
    const at::Tensor y = conv(x);
    expect_close(
        y,
        slow_transpose(x.to(at::kDouble), conv.w.value().to(at::kDouble),
                       {{2, 2}, {1, 1}, {{0, 1}, {0, 1}}}, {4, 6}) +
            conv.b.value(),
        dtype, 10);
    EXPECT_EQ(conv.input_channels(), 2);
  }
}

TEST(ConvTransposeTest, Gradients) {
  const Conv2DTranspose conv{.output_channels = 2,
                             .kernel_shape = {2, 3},
                             .stride = 2,
                             .w_init = uneven_filters,
                             .b_init = uneven_filters};
  const at::Tensor x = uneven({2, 2, 3, 2}).requires_grad_();
  conv(x);
  expect_gradients([&] { return conv(x); },
                   {x, conv.w.value(), conv.b.value()});
}

TEST(ConvTransposeTest, EmptyInputs) {
  const Conv2DTranspose conv{
      .output_channels = 4, .kernel_shape = 3, .stride = 2};
  EXPECT_EQ(conv(at::ones({0, 5, 6, 3})).sizes(),
            at::IntArrayRef({0, 10, 12, 4}));
  EXPECT_EQ(conv(at::ones({2, 0, 6, 3})).sizes(),
            at::IntArrayRef({2, 0, 12, 4}));
}

TEST(ConvTransposeTest, Errors) {
  const auto of = [](const Conv2DTranspose& conv) {
    return message_of([&] { conv(at::ones({2, 4, 5, 3})); });
  };
  EXPECT_EQ(of({.output_channels = 3,
                .kernel_shape = 3,
                .output_shape = {{8, 20}},
                .stride = 2}),
            "[Conv2DTranspose] output_shape must be from 9 to 10 in spatial "
            "dimension 1 for x of size 5 there, got 20");
  EXPECT_EQ(
      of({.output_channels = 3, .kernel_shape = 3, .output_shape = {{8}}}),
      "[Conv2DTranspose] The output_shape must be of length 2 but instead was "
      "1.");
  EXPECT_EQ(message_of<TypeError>([] {
              Conv2DTranspose{
                  .output_channels = 3, .kernel_shape = 3, .padding = "same"}
                  .check();
            }),
            "[Conv2DTranspose] ConvNDTranspose only takes string padding, "
            "please provide either `SAME` or `VALID`. Got same");
  EXPECT_EQ(message_of([] {
              ConvNDTranspose{.num_spatial_dims = 0,
                              .output_channels = 1,
                              .kernel_shape = 3,
                              .data_format = "NHWC"}
                  .check();
            }),
            "[ConvNDTranspose] We only support transpose convolution "
            "operations for num_spatial_dims=1, 2 or 3, received "
            "num_spatial_dims=0.");
  EXPECT_EQ(message_of([] {
              Conv1DTranspose{.output_channels = 3,
                              .kernel_shape = 3}(at::ones({2, 4, 5, 3}));
            }),
            "[Conv1DTranspose] x must have rank 3, got shape [2, 4, 5, 3]");
}

}  // namespace
}  // namespace snt::conv_transpose_test
