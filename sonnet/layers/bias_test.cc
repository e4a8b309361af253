#include "sonnet/layers/bias.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "sonnet/core/build.h"
#include "sonnet/core/errors.h"
#include "sonnet/core/options.h"
#include "sonnet/core/variables.h"
#include "sonnet/initializers/constant.h"
#include "sonnet/testing/expect_close.h"
#include "sonnet/testing/expect_gradients.h"
#include "sonnet/testing/message_of.h"
#include "sonnet/testing/uneven.h"

namespace snt::bias_test {
namespace {

using Sizes = std::vector<int64_t>;

struct Net {
  Bias shift{.bias_dims = {{-1}}};
};

at::Tensor some_biases(at::IntArrayRef shape, at::ScalarType dtype) {
  return uneven(shape, dtype, 5);
}

// x + factor b, element by element: b is aligned with the last dimensions.
at::Tensor slow_outputs(const at::Tensor& x, const at::Tensor& b,
                        double factor) {
  const at::Tensor y = x.to(at::kDouble).clone();
  const at::Tensor values = b.detach().to(at::kDouble).contiguous();
  for (int64_t i = 0; i < y.numel(); ++i) {
    int64_t rest = i;
    int64_t offset = 0;
    int64_t stride = 1;
    for (int64_t d = 1; d <= x.dim(); ++d) {
      const int64_t index = rest % x.size(-d);
      rest /= x.size(-d);
      if (d > b.dim()) continue;
      if (b.size(-d) > 1) offset += index * stride;
      stride *= b.size(-d);
    }
    y.data_ptr<double>()[i] += factor * values.data_ptr<double>()[offset];
  }
  return y;
}

struct Case {
  const char* name;
  Sizes x;
  std::optional<Sizes> bias_dims;
  Sizes b;
};

class BiasShapes : public testing::TestWithParam<Case> {};

TEST_P(BiasShapes, AgainstALoop) {
  const Case& param = GetParam();
  const Bias bias{.bias_dims = param.bias_dims, .b_init = some_biases};
  const at::Tensor x = uneven(param.x);
  const at::Tensor y = bias(x);
  EXPECT_EQ(bias.b.shape(), at::IntArrayRef(param.b));
  EXPECT_EQ(bias.input_size(), Sizes(param.x.begin() + 1, param.x.end()));
  expect_close(y, slow_outputs(x, bias.b.value(), 1));
  expect_close(bias(x, -2.5), slow_outputs(x, bias.b.value(), -2.5));
  expect_close(bias(x, at::scalar_tensor(3., at::kDouble)),
               slow_outputs(x, bias.b.value(), 3));
}

INSTANTIATE_TEST_SUITE_P(
    Bias, BiasShapes,
    testing::Values(
        Case{"EmptyBatch", {0, 3}, {}, {3}},
        Case{"EmptyFeatures", {2, 0}, {}, {0}}, Case{"Ones", {1, 1}, {}, {1}},
        Case{"Rank2", {2, 3}, {}, {3}}, Case{"Rank3", {2, 3, 4}, {}, {3, 4}},
        Case{"Rank5", {2, 1, 3, 2, 4}, {}, {1, 3, 2, 4}},
        Case{"Scalar", {2, 3, 4}, {Sizes{}}, {}},
        Case{"Channels", {2, 3, 4, 5}, {{-1}}, {5}},
        Case{"ChannelsFirst", {2, 3, 4, 5}, {{1}}, {3, 1, 1}},
        Case{"TwoDims", {2, 3, 4, 5}, {{1, 3}}, {3, 1, 5}},
        Case{"AnyOrder", {2, 3, 4, 5}, {{3, 1}}, {3, 1, 5}},
        Case{"TwiceTheSame", {2, 3, 4}, {{2, -1}}, {4}},
        Case{"Negative", {2, 3, 4}, {{-1, -2}}, {3, 4}},
        Case{"FarNegative", {2, 3, 4}, {{-5}}, {3, 1}},  // -5 % 3 == 1
        Case{"LeadingOnesAreDropped", {2, 1, 4}, {{1, 2}}, {4}},
        Case{"OnlyOnes", {2, 1, 4}, {{1}}, {}}),
    [](const auto& info) { return info.param.name; });

TEST(BiasTest, Options) {
  EXPECT_EQ(repr(Bias{}), "Bias()");
  EXPECT_EQ(repr(Bias{.bias_dims = {{-1}}}), "Bias(bias_dims=[-1])");
  EXPECT_EQ(repr(Bias{.bias_dims = Sizes{}}), "Bias(bias_dims=[])");
  EXPECT_EQ(repr(Bias{3, {}, {}, "shift"}),
            "Bias(output_size=3, name='shift')");
  EXPECT_EQ(to_json(Bias{}),
            R"({"output_size":null,"bias_dims":null,"b_init":null})");
  const Bias bias{.output_size = Sizes{3, 4}, .bias_dims = Sizes{}};
  EXPECT_EQ(to_json(from_json<Bias>(to_json(bias))), to_json(bias));
}

TEST(BiasTest, StartsAtZero) {
  const Bias bias;
  const at::Tensor x = uneven({2, 3}, at::kFloat);
  EXPECT_TRUE(at::equal(bias(x), x));
  EXPECT_TRUE(at::equal(bias.b.value(), at::zeros({3})));
}

TEST(BiasTest, Dtypes) {
  for (at::ScalarType dtype :
       {at::kFloat, at::kDouble, at::kHalf, at::kBFloat16}) {
    const Bias bias{.b_init = some_biases};
    const at::Tensor x = uneven({2, 3}, dtype);
    const at::Tensor y = bias(x);
    expect_close(y, slow_outputs(x, bias.b.value(), 1), dtype);
    expect_close(bias(x, 0.5), slow_outputs(x, bias.b.value(), 0.5), dtype);
    EXPECT_EQ(bias.b.dtype(), dtype);
  }
  for (at::ScalarType dtype : {at::kInt, at::kLong}) {
    const Bias bias{.b_init = initializers::Constant{7}};
    const at::Tensor x = at::arange(6, dtype).view({2, 3});
    EXPECT_TRUE(at::equal(bias(x), x + 7));
    EXPECT_TRUE(at::equal(bias(x, 2), x + 14));
    EXPECT_STREQ(message_of<TypeError>([&] { bias(x, 0.5); }).c_str(),
                 dtype == at::kInt
                     ? "[Bias] multiplier must be an integer like x of dtype "
                       "int32, got 0.5"
                     : "[Bias] multiplier must be an integer like x of dtype "
                       "int64, got 0.5");
  }
}

TEST(BiasTest, TensorsMultiply) {
  const Bias bias{.b_init = some_biases};
  const at::Tensor x = uneven({2, 3});
  const at::Tensor factors = at::tensor({2., -3.}, at::kDouble).view({2, 1});
  const at::Tensor y = bias(x, factors);
  expect_close(y[0], slow_outputs(x, bias.b.value(), 2)[0]);
  expect_close(y[1], slow_outputs(x, bias.b.value(), -3)[1]);
}

// b(x) - x is the same for every example.
TEST(BiasTest, AddsTheSameToAllExamples) {
  const Bias bias{.b_init = some_biases};
  const at::Tensor x = uneven({4, 2, 3});
  const at::Tensor added = bias(x) - x;
  EXPECT_TRUE(at::allclose(added, added[0].expand_as(added)));
  EXPECT_TRUE(at::allclose(bias(-x), added - x));
}

TEST(BiasTest, OutputSize) {
  EXPECT_EQ(Bias{.output_size = 3}(at::ones({2, 3})).size(1), 3);
  const Bias bias{.output_size = Sizes{3, 4}};
  EXPECT_EQ(bias(at::ones({2, 3, 4})).dim(), 3);
  EXPECT_STREQ(message_of([] {
                 Bias{.output_size = 4}(at::ones({2, 2, 2}));
               }).c_str(),
               "[Bias] Input shape must be (-1, 4) not (2, 2, 2)");
  EXPECT_STREQ(message_of([&] {
                 bias(at::ones({2, 4, 3}));
               }).c_str(),
               "[Bias] Input shape must be (-1, 3, 4) not (2, 4, 3)");
}

TEST(BiasTest, Gradients) {
  const Bias bias{.bias_dims = {{1, 3}}, .b_init = some_biases};
  const at::Tensor x = uneven({2, 3, 2, 2}).requires_grad_();
  const at::Tensor factor =
      uneven({2, 1, 1, 1}, at::kDouble, 3).requires_grad_();
  bias(x);
  expect_gradients([&] { return bias(x); }, {x, bias.b.value()});
  expect_gradients([&] { return bias(x, 1.5); }, {x, bias.b.value()});
  expect_gradients([&] { return bias(x, factor); },
                   {x, bias.b.value(), factor});
}

TEST(BiasTest, CopiesShare) {
  const Bias bias{.b_init = some_biases};
  const Bias copy = bias;
  const at::Tensor x = uneven({2, 3});
  EXPECT_TRUE(at::equal(bias(x), copy(x)));
  EXPECT_EQ(bias.b, copy.b);
  EXPECT_EQ(copy.input_size(), Sizes{3});
}

TEST(BiasTest, Errors) {
  EXPECT_STREQ(message_of([] { Bias{}(at::ones({3})); }).c_str(),
               "[Bias] x must have rank >= 2, got shape [3]");
  EXPECT_STREQ(message_of([] {
                 Bias{.bias_dims = {{0}}}(at::ones({2, 3}));
               }).c_str(),
               "[Bias] Cannot apply bias across the minibatch dimension.");
  EXPECT_STREQ(message_of([] {
                 Bias{.bias_dims = {{-3}}}(at::ones({2, 3, 4}));
               }).c_str(),
               "[Bias] Cannot apply bias across the minibatch dimension.");
  EXPECT_STREQ(message_of([] {
                 Bias{.bias_dims = {{1, 5}}}(at::ones({2, 3, 4}));
               }).c_str(),
               "[Bias] Dimension 5 (bias_dims=(1, 5)) out of range for input "
               "of rank 3.");
  EXPECT_STREQ(message_of([] {
                 Bias{.bias_dims = {{3}}}(at::ones({2, 3, 4}));
               }).c_str(),
               "[Bias] Dimension 3 (bias_dims=(3,)) out of range for input of "
               "rank 3.");
  EXPECT_STREQ(
      message_of<NotBuiltError>([] { Bias{}.input_size(); }).c_str(),
      "[Bias] input_size is known after the first call only: call the module "
      "once, or snt::build(module, inputs...)");
}

TEST(BiasTest, ErrorsNameThePath) {
  const Net net;
  build(net.shift, Shape{-1, 3});
  named_variables(net);
  EXPECT_STREQ(message_of([&] {
                 net.shift(at::ones({2, 4}));
               }).c_str(),
               "[Bias shift] x must fit b of shape [3], got shape [2, 4]");
  EXPECT_STREQ(message_of<TypeError>([&] {
                 net.shift(at::ones({2, 3}, at::kDouble));
               }).c_str(),
               "[Bias shift] x must have dtype float32 like b, got float64");
  EXPECT_STREQ(message_of<TypeError>([&] {
                 net.shift(at::ones({2, 3}), at::ones({2, 1}, at::kDouble));
               }).c_str(),
               "[Bias shift] multiplier must have dtype float32 like x, got "
               "float64");
}

}  // namespace
}  // namespace snt::bias_test
