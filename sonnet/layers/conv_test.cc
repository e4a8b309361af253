#include "sonnet/layers/conv.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include "sonnet/core/errors.h"
#include "sonnet/core/gradients.h"
#include "sonnet/initializers/constant.h"
#include "sonnet/initializers/distributions.h"
#include "sonnet/layers/slow_convolution_test.h"
#include "sonnet/testing/expect_close.h"
#include "sonnet/testing/expect_gradients.h"
#include "sonnet/testing/message_of.h"
#include "sonnet/testing/uneven.h"

namespace snt::conv_test {
namespace {

using Sizes = std::vector<int64_t>;

at::Tensor uneven_weights(at::IntArrayRef shape, at::ScalarType dtype) {
  return uneven(shape, dtype, 5);
}

// By the definition, with the bias. x is channels-last.
at::Tensor slow_conv(const at::Tensor& x, const Variable& w, const Variable& b,
                     const SlowWindow& window) {
  const at::Tensor y =
      slow_convolution(x.to(at::kDouble), w.value().to(at::kDouble), window);
  return b.is_built() ? y + b.value() : y;
}

// That `conv` and its channels-first twin, which shares the weights, give what
// the definition gives.
template <class Conv>
void expect_definition(Conv conv, const Sizes& shape,
                       const SlowWindow& window) {
  conv.w_init = conv.b_init = uneven_weights;
  if (!conv.with_bias) conv.b_init = {};
  const at::Tensor x = uneven(shape);
  const at::Tensor y = conv(x);
  expect_close(y, slow_conv(x, conv.w, conv.b, window), 10);
  EXPECT_EQ(conv.input_channels(), shape.back());

  Conv first = conv;
  first.data_format = "channels_first";
  const at::Tensor y_first = first(x.movedim(-1, 1).contiguous());
  expect_close(y_first.movedim(1, -1), y, 10);
}

TEST(ConvTest, SameAdaptsToSizeAndStride) {
  for (int64_t size : {1, 4, 5, 8}) {
    for (int64_t kernel : {1, 2, 3, 5}) {
      for (int64_t stride : {1, 2, 3}) {
        SCOPED_TRACE(format(size, " ", kernel, " ", stride));
        expect_definition(
            Conv1D{.output_channels = 2,
                   .kernel_shape = kernel,
                   .stride = stride,
                   .padding = "same"},
            {2, size, 3},
            {{stride}, {1}, {slow_same(size, kernel, stride, 1)}});
      }
    }
  }
}

TEST(ConvTest, OptionsForEachDimension) {
  expect_definition(
      Conv2D{.output_channels = 3, .kernel_shape = {4, 2}, .stride = {2, 3}},
      {2, 7, 8, 2}, {{2, 3}, {1, 1}, {{1, 2}, {0, 0}}});
  expect_definition(Conv2D{.output_channels = 3,
                           .kernel_shape = {3, 2},
                           .rate = {1, 3},
                           .padding = "VALID",
                           .with_bias = false},
                    {2, 5, 8, 2}, {{1, 1}, {1, 3}, {{0, 0}, {0, 0}}});
  expect_definition(Conv3D{.output_channels = 2,
                           .kernel_shape = {2, 3, 2},
                           .stride = {1, 2, 1},
                           .padding = {pad::causal, pad::same, pad::full}},
                    {2, 3, 4, 2, 3},
                    {{1, 2, 1}, {1, 1, 1}, {{1, 0}, {1, 1}, {1, 1}}});
  expect_definition(Conv1D{.output_channels = 2,
                           .kernel_shape = {3},
                           .rate = {2},
                           .padding = pad::causal},
                    {2, 6, 3}, {{1}, {2}, {{4, 0}}});
}

TEST(ConvTest, PaddingOfOnesOwn) {
  const auto one_before = [](int64_t) { return std::array<int64_t, 2>{1, 0}; };
  expect_definition(
      Conv1D{.output_channels = 2, .kernel_shape = 3, .padding = one_before},
      {2, 6, 3}, {{1}, {1}, {{1, 0}}});
}

TEST(ConvTest, OnesOfSonnetsTests) {
  const Conv2D conv{
      .output_channels = 1, .kernel_shape = 3, .w_init = initializers::Ones()};
  const at::Tensor y = conv(at::ones({1, 5, 5, 1})).squeeze();
  EXPECT_TRUE(y[0].equal(at::tensor({4.f, 6.f, 6.f, 6.f, 4.f})));
  EXPECT_TRUE(y[1].equal(at::tensor({6.f, 9.f, 9.f, 9.f, 6.f})));
  Conv2D valid = conv;
  valid.padding = "VALID";
  EXPECT_TRUE(valid(at::ones({1, 5, 5, 1})).equal(at::full({1, 3, 3, 1}, 9)));
}

TEST(ConvTest, NDIsEachOfThem) {
  const ConvND nd{.num_spatial_dims = 2,
                  .output_channels = 3,
                  .kernel_shape = 2,
                  .data_format = "NHWC"};
  const at::Tensor x = uneven({2, 4, 5, 2}, at::kFloat);
  const at::Tensor y = nd(x);
  Conv2D two{.output_channels = 3, .kernel_shape = 2};
  two.w = nd.w;
  two.b = nd.b;
  EXPECT_TRUE(two(x).equal(y));
  EXPECT_EQ(nd.input_channels(), 2);
}

TEST(ConvTest, DefaultInitializersKeepTheVariance) {
  const Conv2D conv{.output_channels = 50, .kernel_shape = {3, 2}};
  conv(at::ones({1, 4, 4, 40}));
  const double stddev = conv.w.value().std().item<double>();
  EXPECT_NEAR(stddev, 0.8796 / std::sqrt(3 * 2 * 40), 0.001);
  EXPECT_EQ(conv.w.shape(), at::IntArrayRef({3, 2, 40, 50}));
  EXPECT_TRUE(conv.b.value().equal(at::zeros({50})));
}

TEST(ConvTest, EveryDtype) {
  for (at::ScalarType dtype :
       {at::kFloat, at::kDouble, at::kHalf, at::kBFloat16}) {
    const Conv2D conv{.output_channels = 3,
                      .kernel_shape = 2,
                      .w_init = uneven_weights,
                      .b_init = uneven_weights};
    const at::Tensor x = uneven({2, 4, 3, 2}, dtype);
    const at::Tensor y = conv(x);
    expect_close(
        y, slow_conv(x, conv.w, conv.b, {{1, 1}, {1, 1}, {{0, 1}, {0, 1}}}),
        dtype, 10);
  }
  // Integers are exact, as in TensorFlow.
  const Conv1D integers{
      .output_channels = 2, .kernel_shape = 2, .w_init = initializers::Ones()};
  EXPECT_TRUE(
      integers(at::full({1, 3, 3}, 7, at::kInt))
          .equal(
              at::tensor({42, 42, 42, 42, 21, 21}, at::kInt).view({1, 3, 2})));
}

TEST(ConvTest, Gradients) {
  const Conv2D conv{.output_channels = 2,
                    .kernel_shape = {2, 3},
                    .stride = {2, 1},
                    .w_init = uneven_weights,
                    .b_init = uneven_weights};
  const at::Tensor x = uneven({2, 3, 4, 2}).requires_grad_();
  conv(x);
  expect_gradients([&] { return conv(x); },
                   {x, conv.w.value(), conv.b.value()});
}

// libtorch 1.13 needs weights with the usual strides here.
TEST(ConvTest, GradientsWithOneOutputChannel) {
  const Conv2D conv{.output_channels = 1,
                    .kernel_shape = {2, 1},
                    .stride = 2,
                    .padding = "VALID",
                    .w_init = uneven_weights};
  const at::Tensor x = uneven({2, 4, 3, 2}).requires_grad_();
  conv(x);
  expect_gradients([&] { return conv(x); }, {x, conv.w.value()});
}

// oneDNN's own kernel for these gave wrong gradients, or wrote past its memory,
// with two threads and few channels.
TEST(ConvTest, StridedKernelsOfOneElementOnSeveralThreads) {
  const int threads = at::get_num_threads();
  at::set_num_threads(2);
  for (const int64_t channels : {3, 4}) {
    for (const Sizes& stride : {Sizes{2, 1}, Sizes{1, 2}, Sizes{2, 2}}) {
      const Conv2D conv{.output_channels = 32,
                        .kernel_shape = 1,
                        .stride = stride,
                        .with_bias = false};
      const at::Tensor x = at::randn({2, 8, 6, channels}).requires_grad_();
      const auto used = [&](const at::Tensor& t) {
        return t.slice(1, 0, 8, stride[0]).slice(2, 0, 6, stride[1]);
      };
      for (int i = 0; i < 5; ++i) {
        const at::Tensor y = conv(x), dy = at::randn_like(y);
        const auto got = gradients((y * dy).sum(), {x, conv.w.value()});
        const at::Tensor w = conv.w.value().detach().to(at::kDouble)[0][0];
        const at::Tensor hit = used(x.detach()).to(at::kDouble);
        const at::Tensor exact_dy = dy.to(at::kDouble);
        expect_close(y, at::matmul(hit, w), 20);
        expect_close(got[1][0][0], at::einsum("bhwi,bhwo->io", {hit, exact_dy}),
                     100);
        expect_close(used(got[0]), at::matmul(exact_dy, w.t()), 20);
        EXPECT_EQ(at::count_nonzero(got[0]).item<int64_t>(), hit.numel());
      }
    }
  }
  at::set_num_threads(threads);
}

TEST(ConvTest, IsLinearWithoutBias) {
  const Conv3D conv{
      .output_channels = 2, .kernel_shape = 2, .with_bias = false};
  const at::Tensor x = uneven({1, 3, 2, 4, 2}),
                   z = uneven(x.sizes(), at::kDouble, 3);
  expect_close(conv(2 * x + z), 2 * conv(x) + conv(z), 10);
}

TEST(ConvTest, EmptyInputsHaveEmptyOutputsAndZeroGradients) {
  const Conv2D conv{
      .output_channels = 4, .kernel_shape = 3, .padding = "VALID"};
  EXPECT_EQ(conv(at::ones({0, 5, 6, 3})).sizes(),
            at::IntArrayRef({0, 3, 4, 4}));
  const at::Tensor y = conv(at::ones({2, 2, 6, 3}));  // One row is missing.
  EXPECT_EQ(y.sizes(), at::IntArrayRef({2, 0, 4, 4}));
  EXPECT_TRUE(
      snt::gradients(y.sum(), conv.w.value()).equal(at::zeros({3, 3, 3, 4})));
}

TEST(ConvTest, OutputsShareTheLayoutOfTheInput) {
  const Conv2D last{.output_channels = 4, .kernel_shape = 3};
  EXPECT_TRUE(last(at::ones({2, 5, 6, 3})).is_contiguous());
  const Conv1D one{
      .output_channels = 4, .kernel_shape = 3, .padding = pad::causal};
  EXPECT_TRUE(one(at::ones({2, 5, 3})).is_contiguous());
}

TEST(ConvTest, ErrorsOfOptions) {
  const auto of = [](const Conv2D& conv) {
    return message_of([&] { conv.check(); });
  };
  EXPECT_EQ(of({.output_channels = 1,
                .kernel_shape = 3,
                .with_bias = false,
                .b_init = initializers::Ones()}),
            "[Conv2D] When not using a bias the b_init must be None.");
  EXPECT_EQ(of({.output_channels = 1, .kernel_shape = {3, 0}}),
            "[Conv2D] kernel_shape must be > 0, got [3, 0]");
  EXPECT_EQ(of({.output_channels = 0, .kernel_shape = 3}),
            "[Conv2D] output_channels must be > 0, got 0");
  EXPECT_EQ(of({.output_channels = 1, .kernel_shape = 3, .padding = "foo"}),
            "[Conv2D] padding must be SAME, VALID or functions such as "
            "snt::pad::causal, got FOO");
  EXPECT_EQ(message_of<TypeError>([] {
              Conv2D{.output_channels = 1, .kernel_shape = {3, 3, 3}}.check();
            }),
            "[Conv2D] kernel_shape must be a scalar or sequence of length 1 "
            "or sequence of length 2. Got a sequence of length 3");
  EXPECT_THROW((Conv2D{.output_channels = 1,
                       .kernel_shape = 3,
                       .padding = {pad::full, pad::full, pad::full}}
                    .check()),
               TypeError);
  EXPECT_EQ(message_of([] {
              ConvND{.num_spatial_dims = 4,
                     .output_channels = 1,
                     .kernel_shape = 3,
                     .data_format = "NHWC"}
                  .check();
            }),
            "[ConvND] We only support convoltion operations for "
            "num_spatial_dims=1, 2 or 3, received num_spatial_dims=4.");
  EXPECT_EQ(of({.output_channels = 1,
                .kernel_shape = 3,
                .stride = {2, 1},
                .rate = {1, 3}}),
            "[Conv2D] `strides > 1` not supported in conjunction with "
            "`dilation_rate > 1`. Received: strides=[2, 1] and "
            "dilation_rate=[1, 3]");
  EXPECT_EQ(
      message_of<TypeError>([] {
        ConvND{.num_spatial_dims = 2, .output_channels = 1, .kernel_shape = 3}
            .check();
      }),
      "[ConvND] data_format must be given: expected string or "
      "bytes-like object, got 'NoneType'");
}

TEST(ConvTest, ErrorsOfInputs) {
  const Conv2D conv{
      .output_channels = 1, .kernel_shape = 3, .padding = "VALID"};
  EXPECT_EQ(message_of([&] {
              conv(at::ones({2, 5, 3}));
            }),
            "[Conv2D] x must have rank 4, got shape [2, 5, 3]");
  EXPECT_FALSE(conv.w.is_built());
  conv(at::ones({2, 5, 5, 3}));
  EXPECT_EQ(message_of([&] {
              conv(at::ones({2, 5, 5, 4}));
            }),
            "[Conv2D] x must have 3 channels as on the first call, got shape "
            "[2, 5, 5, 4]");
  EXPECT_EQ(message_of([&] {
              conv(at::ones({2, 5, 1, 3}));
            }),
            "[Conv2D] the kernel covers 3 elements, but spatial dimension 1 of "
            "x has, with its padding, 1");
  EXPECT_EQ(message_of<TypeError>([&] {
              conv(at::ones({2, 5, 5, 3}, at::kDouble));
            }),
            "[Conv2D] x must have dtype float32 like w, got float64");
  EXPECT_THROW((Conv2D{.output_channels = 1,
                       .kernel_shape = 2}(at::ones({2, 3, 3, 2}, at::kInt))),
               ValueError);
}

}  // namespace
}  // namespace snt::conv_test
