#include "sonnet/layers/instance_norm.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "sonnet/core/errors.h"
#include "sonnet/core/options.h"
#include "sonnet/core/variables.h"
#include "sonnet/initializers/constant.h"
#include "sonnet/layers/slow_norm_test.h"
#include "sonnet/testing/expect_close.h"
#include "sonnet/testing/expect_gradients.h"
#include "sonnet/testing/message_of.h"
#include "sonnet/testing/uneven.h"

namespace snt::instance_norm_test {
namespace {

using Sizes = std::vector<int64_t>;

at::Tensor uneven_initial(at::IntArrayRef shape, at::ScalarType dtype) {
  return uneven(shape, dtype, 5);
}

InstanceNorm uneven_instance_norm(const std::string& format) {
  return {.create_scale = true,
          .create_offset = true,
          .eps = 0.01,
          .scale_init = uneven_initial,
          .offset_init = initializers::Constant{0.3},
          .data_format = format};
}

TEST(InstanceNormTest, AgainstLoops) {
  for (const Sizes& shape :
       {Sizes{2, 3, 4}, Sizes{2, 3, 2, 4}, Sizes{2, 2, 3, 2, 2}}) {
    const at::Tensor x = uneven(shape);
    const auto rank = static_cast<int64_t>(shape.size());
    Index spatial;
    for (int64_t a = 1; a < rank - 1; ++a) spatial.push_back(a);
    expect_close(
        uneven_instance_norm("channels_last")(x),
        slow_norm(x, 0.01, spatial) * uneven({shape.back()}, at::kDouble, 5) +
            0.3,
        10);

    for (int64_t& a : spatial) ++a;
    Sizes parameters(rank - 1, 1);
    parameters[0] = shape[1];
    expect_close(
        uneven_instance_norm("channels_first")(x),
        slow_norm(x, 0.01, spatial) * uneven(parameters, at::kDouble, 5) + 0.3,
        10);
  }
}

TEST(InstanceNormTest, ChannelsFirstIsTheTransposed) {
  const at::Tensor x = uneven({2, 3, 4, 5});
  expect_close(uneven_instance_norm("NCHW")(x.permute({0, 3, 1, 2}))
                   .permute({0, 2, 3, 1}),
               uneven_instance_norm("NHWC")(x), 10);
}

// Each channel of each example by itself: nothing else matters.
TEST(InstanceNormTest, ChannelsAndExamplesAreIndependent) {
  const InstanceNorm norm{true, true};
  const at::Tensor x = uneven({3, 4, 2});
  const at::Tensor factors = at::rand({3, 1, 2}, at::kDouble) + 0.5;
  const InstanceNorm exact{
      .create_scale = true, .create_offset = true, .eps = 0};
  expect_close(exact(x * factors + 3 * factors), exact(x), 100);
  expect_close(norm(x.narrow(0, 1, 1)), norm(x).narrow(0, 1, 1), 10);
}

TEST(InstanceNormTest, WithoutSpatialDimensionsTheOffsetIsLeft) {
  for (const char* format : {"channels_last", "channels_first"}) {
    expect_close(uneven_instance_norm(format)(uneven({3, 4})),
                 at::full({3, 4}, 0.3, at::kDouble));
  }
}

TEST(InstanceNormTest, ParametersOfTheCall) {
  const InstanceNorm norm{false, false};
  const at::Tensor x = uneven({2, 3, 4});
  const at::Tensor scale = uneven({2, 1, 4}, at::kDouble, 7);
  const at::Tensor offset = uneven({4}, at::kDouble, 8);
  expect_close(norm(x, scale, offset),
               slow_norm(x, 1e-5, Index{1}) * scale + offset, 10);
  EXPECT_EQ(variables(allow_empty_variables(norm)).size(), 0);
}

TEST(InstanceNormTest, Gradients) {
  for (const char* format : {"NHWC", "NCHW"}) {
    const InstanceNorm norm = uneven_instance_norm(format);
    const at::Tensor x = uneven({2, 3, 2, 3}).requires_grad_();
    norm(x);
    expect_gradients([&] { return norm(x); },
                     {x, norm.scale.value(), norm.offset.value()});
  }
}

TEST(InstanceNormTest, OptionsAndErrors) {
  EXPECT_EQ(repr(InstanceNorm{true, false}),
            "InstanceNorm(create_scale=True, create_offset=False)");
  EXPECT_EQ(message_of([] {
              InstanceNorm{.create_scale = false,
                           .create_offset = true,
                           .scale_init = initializers::Ones{}}(at::ones({2}));
            }),
            "[InstanceNorm] Cannot set `scale_init` if `create_scale=False`.");
  const InstanceNorm norm{true, true};
  norm(at::ones({2, 3, 4, 4}));
  EXPECT_EQ(message_of([&] {
              norm(at::ones({2, 3, 4, 4, 4}));
            }),
            "[InstanceNorm] The rank of the inputs cannot change between "
            "calls, the original call was rank=4 but this call was rank=5.");
}

}  // namespace
}  // namespace snt::instance_norm_test
