#include "sonnet/layers/conv_then.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "sonnet/core/gradients.h"
#include "sonnet/core/variables.h"
#include "sonnet/kernels/switches.h"
#include "sonnet/testing/expect_close.h"

namespace snt::detail::conv_then_test {
namespace {

// A convolution and a norm with statistics and parameters of their own.
struct Pair {
  Conv2D conv;
  BatchNorm norm;
};
Pair make_pair(int64_t kernel, int64_t stride, bool with_bias,
               const std::string& format = "NHWC") {
  const Pair pair = {
      {.output_channels = 6,
       .kernel_shape = kernel,
       .stride = stride,
       .with_bias = with_bias,
       .data_format = format},
      {.create_scale = true, .create_offset = true, .data_format = format}};
  const bool first = format == "NCHW";
  const at::Tensor x = at::randn(first ? at::IntArrayRef({4, 3, 9, 8})
                                       : at::IntArrayRef({4, 9, 8, 3}));
  const at::NoGradGuard no_grad;
  pair.norm(pair.conv(x), /*is_training=*/true);
  for (const Variable& variable : trainable_variables(pair.conv)) {
    variable.assign(at::randn_like(variable.value()));
  }
  for (const Variable& variable : trainable_variables(pair.norm)) {
    variable.assign(at::randn_like(variable.value()));
  }
  return pair;
}

// All by single layers and operations of libtorch.
at::Tensor by_layers(const Pair& pair, const at::Tensor& x, NormMode mode,
                     const kernels::AfterNorm& after) {
  kernels::Switches& on = kernels::switches();
  on.fast_convolutions = on.fast_norms = false;
  at::Tensor y =
      pair.norm(pair.conv(x), mode.is_training, mode.test_local_stats);
  on.fast_convolutions = on.fast_norms = true;
  if (after.addend.defined()) y = y + after.addend;
  return after.relu ? y.relu() : y;
}

TEST(ConvThenTest, OutsideTrainingAllIsOneConvolution) {
  const at::NoGradGuard no_grad;
  for (const int64_t kernel : {1, 3}) {
    for (const int64_t stride : {1, 2}) {
      for (const bool with_bias : {false, true}) {
        for (const bool relu : {false, true}) {
          const Pair pair = make_pair(kernel, stride, with_bias);
          const at::Tensor x = at::randn({4, 9, 8, 3});
          const int64_t height = stride == 1 ? 9 : 5,
                        width = stride == 1 ? 8 : 4;
          for (const at::Tensor& addend :
               {at::Tensor(), at::randn({4, height, width, 6})}) {
            const kernels::AfterNorm after = {addend, relu};
            const at::Tensor y =
                conv_norm_then(pair.conv, pair.norm, x, {}, after);
            EXPECT_TRUE(y.is_contiguous());
            expect_close(y, by_layers(pair, x, {}, after), 10);
          }
        }
      }
    }
  }
}

TEST(ConvThenTest, TrainingAndLocalMoments) {
  for (const NormMode& mode :
       {NormMode{true, false}, NormMode{false, true}, NormMode{false, false}}) {
    for (const bool adds : {false, true}) {
      const Pair pair = make_pair(3, 1, true);
      const at::Tensor x = at::randn({4, 9, 8, 3}).requires_grad_();
      const kernels::AfterNorm after = {
          adds ? at::randn({4, 9, 8, 6}).requires_grad_() : at::Tensor(), true};
      std::vector<at::Tensor> leaves = {x};
      if (adds) leaves.push_back(after.addend);
      for (const Variable& v : trainable_variables(pair)) {
        leaves.push_back(v.value());
      }
      const at::Tensor mean = pair.norm.moving_mean.value().clone();
      const at::Tensor y = conv_norm_then(pair.conv, pair.norm, x, mode, after);
      EXPECT_NE(at::equal(pair.norm.moving_mean.value(), mean),
                mode.is_training);
      const at::Tensor dy = at::randn_like(y);
      const auto got = gradients((y * dy).sum(), leaves);
      const at::Tensor want = by_layers(pair, x, mode, after);
      if (!mode.is_training) expect_close(y, want, 10);
      const auto wanted = gradients((want * dy).sum(), leaves);
      for (size_t i = 0; i < leaves.size(); ++i) {
        const double size = wanted[i].abs().max().item<double>() + 1;
        expect_close(got[i] / size, wanted[i] / size, 20);
      }
    }
  }
}

// Nothing is built yet, or the kernels do not take it: by layers.
TEST(ConvThenTest, WhatCannotBeOne) {
  const at::NoGradGuard no_grad;
  const Pair first = make_pair(3, 1, false, "NCHW");
  const at::Tensor x = at::randn({4, 3, 9, 8});
  expect_close(conv_norm_then(first.conv, first.norm, x, {}, {.relu = true}),
               by_layers(first, x, {}, {.relu = true}), 10);

  const Pair fresh = {{.output_channels = 6, .kernel_shape = 3},
                      {.create_scale = true, .create_offset = true}};
  const at::Tensor y =
      conv_norm_then(fresh.conv, fresh.norm, at::randn({2, 5, 5, 3}), {}, {});
  EXPECT_EQ(y.sizes(), at::IntArrayRef({2, 5, 5, 6}));
  EXPECT_TRUE(fresh.norm.scale.is_built());

  const Pair wide = make_pair(3, 1, false);
  const at::Tensor image = at::randn({4, 9, 8, 3});
  EXPECT_ANY_THROW(
      conv_norm_then(wide.conv, wide.norm, image.to(at::kDouble), {}, {}));
  const at::Tensor row = at::randn({6});  // Broadcasts as in an addition.
  expect_close(conv_norm_then(wide.conv, wide.norm, image, {}, {row, true}),
               by_layers(wide, image, {}, {row, true}), 10);
}

}  // namespace
}  // namespace snt::detail::conv_then_test
