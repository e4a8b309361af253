#include "sonnet/layers/group_norm.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "sonnet/core/errors.h"
#include "sonnet/core/options.h"
#include "sonnet/core/variables.h"
#include "sonnet/initializers/constant.h"
#include "sonnet/layers/instance_norm.h"
#include "sonnet/layers/layer_norm.h"
#include "sonnet/layers/slow_norm_test.h"
#include "sonnet/testing/expect_close.h"
#include "sonnet/testing/expect_gradients.h"
#include "sonnet/testing/message_of.h"
#include "sonnet/testing/uneven.h"

namespace snt::group_norm_test {
namespace {

using Sizes = std::vector<int64_t>;

at::Tensor uneven_start(at::IntArrayRef shape, at::ScalarType dtype) {
  return uneven(shape, dtype, 5);
}

GroupNorm uneven_group_norm(int64_t groups, const Axis& axis,
                            const std::string& format) {
  return {.groups = groups,
          .axis = axis,
          .eps = 0.01,
          .scale_init = uneven_start,
          .offset_init = initializers::Constant{0.3},
          .data_format = format};
}

// Elements whose indices differ in `axes` only; the channels count as their
// group, and then, without them among the axes, as their place in it.
at::Tensor slow_group_norm(const at::Tensor& x, int64_t groups,
                           const Index& axes, int64_t channel) {
  const int64_t per_group = x.size(channel) / groups;
  const bool together =
      std::find(axes.begin(), axes.end(), channel) != axes.end();
  return slow_norm(x, 0.01, [&](Index index) {
    if (together) index[channel] /= per_group;
    for (int64_t a : axes) {
      if (a != channel) index[a] = 0;
    }
    return index;
  });
}

struct GroupCase {
  Sizes shape;
  int64_t groups;
  Axis axis;
  Index axes;
};

// Negative axes are those named, whatever the format.
TEST(GroupNormTest, AgainstLoops) {
  const std::vector<GroupCase> cases = {
      {{3, 6}, 3, Slice{1}, {1}},
      {{2, 4, 4}, 2, Slice{1}, {1, 2}},
      {{2, 4, 4}, 4, Slice{1}, {1, 2}},
      {{2, 4, 4}, 2, -1, {2}},
      {{2, 4, 4}, 2, -2, {1}},
      {{2, 4, 4}, 2, 0, {0}},
      {{2, 6, 3, 6}, 3, {1, 2}, {1, 2}},
      {{2, 6, 3, 6}, 2, {-3, -1}, {1, 3}},
      {{2, 4, 2, 3, 4}, 2, Slice{2}, {2, 3, 4}},
      {{2, 4, 2, 3, 4}, 1, Slice{}, {0, 1, 2, 3, 4}},
  };
  for (const auto& [shape, groups, axis, axes] : cases) {
    for (bool first : {false, true}) {
      const GroupNorm norm = uneven_group_norm(
          groups, axis, first ? "channels_first" : "channels_last");
      const at::Tensor x = uneven(shape);
      const auto rank = static_cast<int64_t>(shape.size());
      const int64_t channel = first ? 1 : rank - 1;
      Sizes parameters = {shape[channel]};
      if (first) parameters.resize(rank - 1, 1);
      const at::Tensor want = slow_group_norm(x, groups, axes, channel) *
                                  uneven(parameters, at::kDouble, 5) +
                              0.3;
      expect_close(norm(x), want, 10);
      EXPECT_EQ(norm.scale.shape(), at::IntArrayRef(parameters));
    }
  }
}

// One group is LayerNorm, a group for each channel InstanceNorm.
TEST(GroupNormTest, OneGroupAndAllGroups) {
  const at::Tensor x = uneven({2, 3, 2, 4});
  expect_close(GroupNorm{1}(x), LayerNorm{Slice{1}, true, true}(x), 10);
  expect_close(GroupNorm{4}(x), InstanceNorm{true, true}(x), 10);
}

TEST(GroupNormTest, ChannelsFirstIsTheTransposed) {
  const at::Tensor x = uneven({2, 3, 4, 6});
  expect_close(uneven_group_norm(3, Slice{1}, "NCHW")(x.permute({0, 3, 1, 2}))
                   .permute({0, 2, 3, 1}),
               uneven_group_norm(3, Slice{1}, "NHWC")(x), 10);
}

// Sonnet keeps the spatial sizes of the first call.
TEST(GroupNormTest, OtherSizesOnLaterCalls) {
  const GroupNorm norm{2};
  norm(uneven({2, 3, 4}));
  const at::Tensor x = uneven({5, 6, 4});
  expect_close(norm(x), GroupNorm{2}(x));
}

TEST(GroupNormTest, ParametersOfTheCall) {
  const GroupNorm norm{
      .groups = 2, .create_scale = false, .create_offset = false, .eps = 0.01};
  const at::Tensor x = uneven({2, 3, 4});
  const at::Tensor scale = uneven({2, 1, 4}, at::kDouble, 7);
  const at::Tensor offset = uneven({4}, at::kDouble, 8);
  const at::Tensor plain = slow_group_norm(x, 2, {1, 2}, 2);
  expect_close(norm(x), plain, 10);
  expect_close(norm(x, scale, offset), plain * scale + offset, 10);
  EXPECT_EQ(variables(allow_empty_variables(norm)).size(), 0);
}

TEST(GroupNormTest, Dtypes) {
  for (at::ScalarType dtype :
       {at::kFloat, at::kDouble, at::kHalf, at::kBFloat16}) {
    const GroupNorm norm{.groups = 2, .eps = 0.01};
    const at::Tensor x = uneven({2, 5, 4}, dtype);
    expect_close(norm(x), slow_group_norm(x, 2, {1, 2}, 2), dtype, 3);
    EXPECT_EQ(norm.scale.dtype(), dtype);
  }
}

TEST(GroupNormTest, Gradients) {
  for (const char* format : {"NWC", "NCW"}) {
    const GroupNorm norm = uneven_group_norm(2, Slice{1}, format);
    const at::Tensor x = uneven({2, 4, 4}).requires_grad_();
    norm(x);
    expect_gradients([&] { return norm(x); },
                     {x, norm.scale.value(), norm.offset.value()});
  }
}

TEST(GroupNormTest, Options) {
  EXPECT_EQ(repr(GroupNorm{2}), "GroupNorm(groups=2)");
  EXPECT_EQ(repr(GroupNorm{.groups = 2, .axis = {1, 2}}),
            "GroupNorm(groups=2, axis=[1, 2])");
  EXPECT_EQ(from_json<GroupNorm>(R"({"groups": 2})").create_offset, true);
}

TEST(GroupNormTest, Errors) {
  EXPECT_EQ(message_of([] {
              GroupNorm{3}(at::ones({2, 3, 4}));
            }),
            "[GroupNorm] The number of channels must be divisible by the "
            "number of groups, was channels = 4, groups = 3");
  EXPECT_EQ(message_of([] {
              GroupNorm{0}(at::ones({2, 4}));
            }),
            "[GroupNorm] groups must be > 0, got 0");
  EXPECT_EQ(message_of([] { GroupNorm{2}(at::ones({4})); }),
            "[GroupNorm] x must have rank >= 2, got shape [4]");
  const GroupNorm norm{2};
  EXPECT_THROW(norm(at::ones({2, 3, 5})), ValueError);
  norm(at::ones({2, 3, 4, 4}));  // What failed was no first call.
  EXPECT_EQ(message_of([&] {
              norm(at::ones({2, 3, 4}));
            }),
            "[GroupNorm] The rank of the inputs cannot change between calls, "
            "the original call was rank=4 but this call was rank=3.");
}

}  // namespace
}  // namespace snt::group_norm_test
