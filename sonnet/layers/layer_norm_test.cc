#include "sonnet/layers/layer_norm.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "sonnet/core/build.h"
#include "sonnet/core/errors.h"
#include "sonnet/core/options.h"
#include "sonnet/core/variables.h"
#include "sonnet/initializers/constant.h"
#include "sonnet/layers/slow_norm_test.h"
#include "sonnet/testing/expect_close.h"
#include "sonnet/testing/expect_gradients.h"
#include "sonnet/testing/message_of.h"
#include "sonnet/testing/uneven.h"

namespace snt::layer_norm_test {
namespace {

using Sizes = std::vector<int64_t>;

at::Tensor uneven_scale(at::IntArrayRef shape, at::ScalarType dtype) {
  return uneven(shape, dtype, 5);
}
at::Tensor uneven_offset(at::IntArrayRef shape, at::ScalarType dtype) {
  return uneven(shape, dtype, 6);
}

LayerNorm uneven_layer_norm(const Axis& axis,
                            const std::string& format = "channels_last") {
  return {.axis = axis,
          .create_scale = true,
          .create_offset = true,
          .eps = 0.01,
          .scale_init = uneven_scale,
          .offset_init = uneven_offset,
          .data_format = format};
}

struct Net {
  LayerNorm norm{-1, true, true};
};

struct LayerNormCase {
  Sizes shape;
  Axis axis;
  Index axes;  // As plain numbers.
};

// Axes at the end take another path than those in the middle.
TEST(LayerNormTest, AgainstLoops) {
  const std::vector<LayerNormCase> cases = {
      {{5}, 0, {0}},
      {{4, 5}, -1, {1}},
      {{4, 5}, 0, {0}},
      {{2, 1, 5}, Slice{1}, {1, 2}},
      {{3, 2, 4}, 1, {1}},
      {{3, 2, 4}, {0, 2}, {0, 2}},
      {{2, 3, 2, 5}, Slice{1, -1}, {1, 2}},
      {{2, 3, 2, 5}, Slice{2}, {2, 3}},
      {{2, 3, 2, 5}, {-1, 1}, {1, 3}},
      {{2, 2, 3, 2, 3}, Slice{}, {0, 1, 2, 3, 4}},
  };
  for (const auto& [shape, axis, axes] : cases) {
    for (bool first : {false, true}) {
      if (first && shape.size() == 1) continue;
      const LayerNorm norm =
          uneven_layer_norm(axis, first ? "channels_first" : "channels_last");
      const at::Tensor x = uneven(shape);
      const int64_t channels = shape[first ? 1 : shape.size() - 1];
      Sizes parameters = {channels};
      if (first) parameters.resize(shape.size() - 1, 1);
      const at::Tensor want =
          slow_norm(x, 0.01, axes) * uneven(parameters, at::kDouble, 5) +
          uneven(parameters, at::kDouble, 6);
      expect_close(norm(x), want, 10);
      EXPECT_EQ(norm.scale.shape(), at::IntArrayRef(parameters));
      EXPECT_EQ(norm.offset.shape(), at::IntArrayRef(parameters));
    }
  }
}

// Every combination of own, given and no parameters, on both paths.
TEST(LayerNormTest, ParametersOfTheModuleOrOfTheCall) {
  const at::Tensor x = uneven({2, 3, 4});
  const at::Tensor scale = uneven({2, 1, 4}, at::kDouble, 7);
  const at::Tensor offset = uneven({3, 1}, at::kDouble, 8);
  for (int64_t axis : {1, 2}) {
    const at::Tensor plain = slow_norm(x, 1e-5, Index{axis});
    const LayerNorm none{axis, false, false};
    expect_close(none(x), plain, 10);
    expect_close(none(x, scale), plain * scale, 10);
    expect_close(none(x, {}, offset), plain + offset, 10);
    expect_close(none(x, scale, offset), plain * scale + offset, 10);
    EXPECT_TRUE(none.scale.is_omitted());
    EXPECT_EQ(variables(allow_empty_variables(none)).size(), 0);

    const LayerNorm own_scale{.axis = axis,
                              .create_scale = true,
                              .create_offset = false,
                              .scale_init = initializers::Constant{0.5}};
    expect_close(own_scale(x, {}, offset), 0.5 * plain + offset, 10);
    const LayerNorm own_offset{.axis = axis,
                               .create_scale = false,
                               .create_offset = true,
                               .offset_init = initializers::Constant{2}};
    expect_close(own_offset(x, scale), plain * scale + 2, 10);
    EXPECT_EQ(variables(own_offset).size(), 1);
  }
}

// Mean 0 and variance 1; neither a shift nor a factor of x is seen.
TEST(LayerNormTest, Laws) {
  for (const Axis& axis : {Axis(-1), Axis{0, 2}, Axis(Slice{1})}) {
    const LayerNorm norm{
        .axis = axis, .create_scale = true, .create_offset = true, .eps = 0};
    const at::Tensor x = uneven({3, 4, 5});
    const at::Tensor y = norm(x);
    const auto dims = axis.of(3, "");
    EXPECT_TRUE(at::allclose(y.mean(dims), at::zeros({1}, at::kDouble)));
    EXPECT_TRUE(
        at::allclose(y.square().mean(dims), at::ones({1}, at::kDouble)));
    EXPECT_TRUE(at::allclose(norm(3 * x + 7), y));
    EXPECT_TRUE(at::allclose(norm(-x), -y));
  }
}

TEST(LayerNormTest, AConstantGivesTheOffset) {
  for (const Axis& axis : {Axis(1), Axis(-1), Axis{0, 2}, Axis(Slice{1})}) {
    const LayerNorm norm{.axis = axis,
                         .create_scale = true,
                         .create_offset = true,
                         .scale_init = initializers::Constant{0.5},
                         .offset_init = initializers::Constant{2}};
    expect_close(norm(at::ones({2, 3, 4})), at::full({2, 3, 4}, 2.));
  }
}

TEST(LayerNormTest, ASliceIsItsDimensions) {
  const at::Tensor x = uneven({2, 3, 2, 4});
  EXPECT_TRUE(at::equal(uneven_layer_norm(Slice{1, -1})(x),
                        uneven_layer_norm({1, 2})(x)));
  EXPECT_TRUE(at::equal(uneven_layer_norm(Slice{1})(x),
                        uneven_layer_norm({-1, 1, 2})(x)));
}

TEST(LayerNormTest, ChannelsFirstIsTheTransposed) {
  const at::Tensor x = uneven({2, 3, 4, 5});
  const LayerNorm last = uneven_layer_norm(Slice{1}, "NHWC");
  const LayerNorm first = uneven_layer_norm(Slice{1}, "NCHW");
  expect_close(first(x.permute({0, 3, 1, 2})).permute({0, 2, 3, 1}), last(x),
               10);
}

TEST(LayerNormTest, Dtypes) {
  for (at::ScalarType dtype :
       {at::kFloat, at::kDouble, at::kHalf, at::kBFloat16}) {
    for (const Axis& axis : {Axis(-1), Axis(1)}) {
      const LayerNorm norm = uneven_layer_norm(axis);
      const at::Tensor x = uneven({4, 3, 5}, dtype);
      const at::Tensor y = norm(x);
      EXPECT_EQ(norm.scale.dtype(), dtype);
      const at::Tensor want = slow_norm(x, 0.01, axis.of(3, "")) *
                                  norm.scale.value().to(at::kDouble) +
                              norm.offset.value().to(at::kDouble);
      expect_close(y, want, dtype, 3);
    }
  }
}

// Far from zero, the moments of half types must not be computed in them.
TEST(LayerNormTest, HalfTypesFarFromZero) {
  const LayerNorm norm{-1, true, true};
  const at::Tensor x = (uneven({3, 64}) + 100).to(at::kHalf);
  expect_close(norm(x), slow_norm(x, 1e-5, Index{1}), at::kHalf, 2);
  EXPECT_TRUE(at::equal(norm(at::full({2, 64}, 3, at::kHalf)),
                        at::zeros({2, 64}, at::kHalf)));
}

TEST(LayerNormTest, EmptyInputs) {
  for (const Axis& axis : {Axis(-1), Axis(0), Axis(Slice{1})}) {
    for (const Sizes& shape : {Sizes{0, 4}, Sizes{2, 0, 3}, Sizes{2, 0}}) {
      const at::Tensor y = LayerNorm{axis, true, true}(at::ones(shape));
      EXPECT_EQ(y.sizes(), at::IntArrayRef(shape));
    }
  }
}

TEST(LayerNormTest, Gradients) {
  for (const Axis& axis : {Axis(-1), Axis(1), Axis(Slice{1})}) {
    const LayerNorm norm = uneven_layer_norm(axis);
    const at::Tensor x = uneven({2, 3, 4}).requires_grad_();
    norm(x);
    expect_gradients([&] { return norm(x); },
                     {x, norm.scale.value(), norm.offset.value()});
  }
}

TEST(LayerNormTest, Options) {
  EXPECT_EQ(repr(LayerNorm{-1, true, false}),
            "LayerNorm(axis=-1, create_scale=True, create_offset=False)");
  const AxisNorm norm{.axis = Slice{1, -1},
                      .create_scale = true,
                      .create_offset = true,
                      .data_format = "NCHW"};
  EXPECT_EQ(to_json(norm),
            R"({"axis":{"slice":[1,-1]},"create_scale":true,)"
            R"("create_offset":true,"eps":1e-05,"scale_init":null,)"
            R"("offset_init":null,"data_format":"NCHW"})");
  EXPECT_EQ(to_json(from_json<LayerNorm>(to_json(norm))), to_json(norm));
  EXPECT_EQ(message_of([] {
              from_json<LayerNorm>(
                  R"({"create_scale": true, "create_offset": true})");
            }),
            "[LayerNorm] option 'axis' is required");
}

TEST(LayerNormTest, ErrorsOfOptions) {
  const auto message = [](const LayerNorm& norm) {
    const std::string text = message_of([&] { norm(at::ones({2, 4})); });
    EXPECT_FALSE(norm.scale.is_built());
    return text;
  };
  EXPECT_EQ(message({.axis = 1,
                     .create_scale = false,
                     .create_offset = true,
                     .scale_init = initializers::Ones{}}),
            "[LayerNorm] Cannot set `scale_init` if `create_scale=False`.");
  EXPECT_EQ(message({.axis = 1,
                     .create_scale = true,
                     .create_offset = false,
                     .offset_init = initializers::Ones{}}),
            "[LayerNorm] Cannot set `offset_init` if `create_offset=False`.");
  EXPECT_EQ(message({.axis = std::vector<int64_t>(),
                     .create_scale = true,
                     .create_offset = true}),
            "[LayerNorm] `axis` should be an int, slice or iterable of ints, "
            "and not empty, got []");
  EXPECT_NE(message({.axis = 1,
                     .create_scale = true,
                     .create_offset = true,
                     .data_format = "NHW"})
                .find("Unable to extract channel information from 'NHW'"),
            std::string::npos);
}

TEST(LayerNormTest, ErrorsOfCalls) {
  const Net net;
  const LayerNorm& norm = net.norm;
  const at::Tensor x = at::ones({2, 4});
  EXPECT_EQ(message_of<TypeError>([&] { norm(at::ones({2}, at::kLong)); }),
            "[LayerNorm] x must be floating, got int64");
  EXPECT_EQ(message_of([&] { norm(at::ones({})); }),
            "[LayerNorm] x must have rank >= 1, got shape []");
  build(net.norm, Shape{-1, 4});
  named_variables(net);
  EXPECT_EQ(message_of([&] { norm(x, at::ones({4})); }),
            "[LayerNorm norm] Cannot pass `scale` at call time if "
            "`create_scale=True`.");
  EXPECT_EQ(message_of([&] { norm(x, {}, at::ones({4})); }),
            "[LayerNorm norm] Cannot pass `offset` at call time if "
            "`create_offset=True`.");
  EXPECT_EQ(message_of([&] {
              norm(at::ones({2, 3, 4}));
            }),
            "[LayerNorm norm] The rank of the inputs cannot change between "
            "calls, the original call was rank=2 but this call was rank=3.");
  EXPECT_EQ(message_of([&] {
              norm(at::ones({2, 5}));
            }),
            "[Variable norm/scale] was created with shape [4], but this call "
            "needs [5]");
  EXPECT_EQ(message_of<TypeError>([&] { norm(x.to(at::kDouble)); }),
            "[LayerNorm norm] scale must have the dtype of x, float64, got "
            "float32");
  const LayerNorm none{-1, false, false};
  EXPECT_EQ(message_of([&] { none(x, at::ones({3})); }),
            "[LayerNorm] scale must be broadcastable to the shape of x, [2, "
            "4], got shape [3]");
}

}  // namespace
}  // namespace snt::layer_norm_test
