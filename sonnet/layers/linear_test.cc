#include "sonnet/layers/linear.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "sonnet/core/build.h"
#include "sonnet/core/clone.h"
#include "sonnet/core/errors.h"
#include "sonnet/core/options.h"
#include "sonnet/core/random.h"
#include "sonnet/core/variables.h"
#include "sonnet/initializers/constant.h"
#include "sonnet/testing/expect_close.h"
#include "sonnet/testing/expect_gradients.h"
#include "sonnet/testing/message_of.h"
#include "sonnet/testing/uneven.h"

namespace snt::linear_test {
namespace {

using Sizes = std::vector<int64_t>;

struct Net {
  Linear logits{3};
};

// Zeros plus uneven biases, so that a forgotten bias shows.
at::Tensor some_biases(at::IntArrayRef shape, at::ScalarType dtype) {
  return uneven(shape, dtype, 5);
}

// The map at one position: sum_k x[k] w[k][column] + b[column].
double slow_output(const at::Tensor& x, const Linear& linear, int64_t column) {
  double sum = linear.with_bias ? linear.b.value()[column].item<double>() : 0;
  for (int64_t k = 0; k < x.size(0); ++k) {
    sum += x[k].item<double>() * linear.w.value()[k][column].item<double>();
  }
  return sum;
}

struct Case {
  const char* name;
  Sizes shape;
  int64_t output_size;
};

class LinearShapes : public testing::TestWithParam<Case> {};

TEST_P(LinearShapes, AgainstALoop) {
  const auto& [name, shape, output_size] = GetParam();
  for (bool with_bias : {true, false}) {
    const Linear linear{
        .output_size = output_size,
        .with_bias = with_bias,
        .b_init = with_bias ? Initializer(some_biases) : Initializer()};
    const at::Tensor x = uneven(shape);
    const at::Tensor y = linear(x);

    Sizes want = shape;
    want.back() = output_size;
    ASSERT_EQ(y.sizes(), at::IntArrayRef(want));
    EXPECT_EQ(linear.w.shape(), at::IntArrayRef({shape.back(), output_size}));
    EXPECT_EQ(linear.b.is_built(), with_bias);
    EXPECT_EQ(linear.input_size(), shape.back());
    if (y.numel() == 0) continue;
    const at::Tensor got = y.reshape({-1, output_size});
    const at::Tensor rows = x.reshape({got.size(0), shape.back()});
    for (int64_t i = 0; i < got.size(0); ++i) {
      for (int64_t j = 0; j < output_size; ++j) {
        EXPECT_NEAR(got[i][j].item<double>(), slow_output(rows[i], linear, j),
                    1e-14);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Linear, LinearShapes,
                         testing::Values(Case{"EmptyBatch", {0, 4}, 3},
                                         Case{"EmptyInnerBatch", {2, 0, 4}, 3},
                                         Case{"NoOutputs", {2, 4}, 0},
                                         Case{"NoOutputsRank3", {2, 5, 4}, 0},
                                         Case{"NoInputs", {2, 0}, 3},
                                         Case{"NoInputsRank3", {2, 5, 0}, 3},
                                         Case{"Ones", {1, 1}, 1},
                                         Case{"Batch", {2, 4}, 3},
                                         Case{"Rank3", {2, 3, 4}, 5},
                                         Case{"Rank4", {1, 2, 3, 4}, 2},
                                         Case{"Rank5", {2, 1, 3, 2, 4}, 3}),
                         [](const auto& info) { return info.param.name; });

TEST(LinearTest, Options) {
  EXPECT_EQ(repr(Linear{10}), "Linear(output_size=10)");
  EXPECT_EQ(repr(Linear{1, false, {}, {}, "linear_0"}),
            "Linear(output_size=1, with_bias=False, name='linear_0')");
  EXPECT_EQ(to_json(Linear{10}),
            R"({"output_size":10,"with_bias":true,"w_init":null,)"
            R"("b_init":null})");
  const Linear linear{.output_size = 3,
                      .w_init = initializers::Constant{0.5},
                      .b_init = initializers::Ones{},
                      .name = "head"};
  EXPECT_EQ(to_json(from_json<Linear>(to_json(linear))), to_json(linear));
  EXPECT_EQ(message_of([] { from_json<Linear>("{}"); }),
            "[Linear] option 'output_size' is required");
}

TEST(LinearTest, Dtypes) {
  for (at::ScalarType dtype :
       {at::kFloat, at::kDouble, at::kHalf, at::kBFloat16}) {
    const Linear linear{.output_size = 3, .b_init = some_biases};
    const at::Tensor x = uneven({2, 4}, dtype);
    const at::Tensor y = linear(x);
    EXPECT_EQ(linear.w.dtype(), dtype);
    EXPECT_EQ(linear.b.dtype(), dtype);
    EXPECT_EQ(linear.w.value().requires_grad(), true);
    const at::Tensor want = at::zeros({2, 3}, at::kDouble);
    for (int64_t i = 0; i < 2; ++i) {
      for (int64_t j = 0; j < 3; ++j) {
        want[i][j] = slow_output(x[i], linear, j);
      }
    }
    expect_close(y, want, dtype);
  }
}

// TFX-15: products of integers are legal where the initialiser makes integers.
TEST(LinearTest, Integers) {
  for (at::ScalarType dtype : {at::kInt, at::kLong}) {
    const Linear linear{.output_size = 2, .w_init = initializers::Constant{3}};
    const at::Tensor x = at::arange(6, dtype).view({2, 3});
    EXPECT_TRUE(
        at::equal(linear(x), at::tensor({9, 9, 36, 36}, dtype).view({2, 2})));
    EXPECT_FALSE(linear.w.value().requires_grad());
    EXPECT_EQ(message_of([&] { Linear{2}(x); }),
              std::string("[TruncatedNormal] Expected floating point type, "
                          "got <dtype: '") +
                  (dtype == at::kInt ? "int32'>" : "int64'>"));
  }
}

// Truncated at 2 standard deviations: the standard deviation of what is left
// is 0.87962566 of 1 / sqrt(input_size). The mean of n numbers is within 5 of
// its deviations, the variance within 5 of its own, with p_fail < 1e-6 each
// (and the seed is fixed).
TEST(LinearTest, InitialValues) {
  snt::seed(3);
  constexpr int64_t kInputs = 400;
  constexpr int64_t kOutputs = 250;
  const Linear linear{kOutputs};
  linear(at::ones({1, kInputs}));
  const at::Tensor w = linear.w.value().detach().to(at::kDouble);
  const double bound = 2 / std::sqrt(kInputs);
  const double deviation = 0.87962566 / std::sqrt(kInputs);
  const double n = kInputs * kOutputs;
  EXPECT_LE(w.abs().max().item<double>(), bound);
  EXPECT_GT(w.abs().max().item<double>(), 0.99 * bound);
  EXPECT_NEAR(w.mean().item<double>(), 0, 5 * deviation / std::sqrt(n));
  EXPECT_NEAR(w.std().item<double>() / deviation, 1, 5 / std::sqrt(2 * n));
  EXPECT_TRUE(at::equal(linear.b.value(), at::zeros({kOutputs})));
}

TEST(LinearTest, IsLinear) {
  const Linear linear{.output_size = 5, .with_bias = false};
  const at::Tensor x = uneven({3, 4});
  const at::Tensor z = uneven({3, 4}, at::kDouble, 1);
  EXPECT_TRUE(at::allclose(linear(2 * x + z), 2 * linear(x) + linear(z)));

  const Linear affine{.output_size = 5, .b_init = some_biases};
  EXPECT_TRUE(at::allclose(affine(x) - affine(z),
                           affine(x - z) - affine(at::zeros_like(x))));
}

TEST(LinearTest, ExamplesOfABatchAreIndependent) {
  const Linear linear{.output_size = 5, .b_init = some_biases};
  const at::Tensor x = uneven({4, 3});
  const at::Tensor order = at::tensor({2, 0, 3, 1});
  EXPECT_TRUE(at::allclose(linear(x.index_select(0, order)),
                           linear(x).index_select(0, order)));
  EXPECT_TRUE(at::allclose(linear(x.view({2, 2, 3})).view({4, 5}), linear(x)));
}

TEST(LinearTest, Gradients) {
  for (const Sizes& shape : {Sizes{2, 4}, Sizes{2, 3, 4}}) {
    const Linear linear{.output_size = 3, .b_init = some_biases};
    const at::Tensor x = uneven(shape).requires_grad_();
    linear(x);
    expect_gradients([&] { return linear(x); },
                     {x, linear.w.value(), linear.b.value()});
  }
}

TEST(LinearTest, CopiesShareAndClonesDoNot) {
  const Linear original{3};
  const Linear early = original;
  const at::Tensor x = uneven({2, 4});
  const at::Tensor y = original(x);
  EXPECT_TRUE(at::equal(early(x), y));
  EXPECT_EQ(early.w, original.w);
  const Linear copy = clone(original);
  EXPECT_TRUE(at::equal(copy(x), y));
  original.w.assign(at::ones({4, 3}, at::kDouble));
  EXPECT_TRUE(at::allclose(early(x), x.sum(1, true).expand({2, 3})));
  EXPECT_TRUE(at::equal(copy(x), y));
}

TEST(LinearTest, CreatesOnceWhateverTheGradMode) {
  const Linear linear{3};
  at::Tensor y;
  {
    const at::NoGradGuard no_grad;
    y = linear(at::ones({2, 4}));
  }
  EXPECT_FALSE(y.requires_grad());
  const void* w = linear.w.value().unsafeGetTensorImpl();
  EXPECT_TRUE(linear(at::ones({5, 4})).requires_grad());
  EXPECT_EQ(linear.w.value().unsafeGetTensorImpl(), w);
}

TEST(LinearTest, VariablesInTheOrderOfDeclaration) {
  const Linear linear{3};
  build(linear, Shape{-1, 4});
  const auto named = named_variables(linear);
  ASSERT_EQ(named.size(), 2);
  EXPECT_EQ(named[0].path, "w");
  EXPECT_EQ(named[1].path, "b");
  const Linear no_bias{.output_size = 3, .with_bias = false};
  build(no_bias, Shape{-1, 4});
  EXPECT_EQ(trainable_variables(no_bias).size(), 1);
}

TEST(LinearTest, ErrorsOfOptions) {
  const Linear bias_twice{
      .output_size = 3, .with_bias = false, .b_init = initializers::Zeros{}};
  EXPECT_STREQ(message_of([&] {
                 bias_twice(at::ones({2, 4}));
               }).c_str(),
               "[Linear] When not using a bias the b_init must be None.");
  EXPECT_FALSE(bias_twice.w.is_built());
  EXPECT_STREQ(message_of([] {
                 Linear{-1}(at::ones({2, 4}));
               }).c_str(),
               "[Linear] output_size must be >= 0, got -1");
  EXPECT_STREQ(message_of([] {
                 from_json<Linear>(R"({"output_size": 3, "name": "$Foo"})");
               }).c_str(),
               "[Linear] '$Foo' is not a valid module name. Module names must "
               "be valid Python identifiers (e.g. a valid class name).");
}

TEST(LinearTest, ErrorsOfCalls) {
  const Linear linear{3};
  EXPECT_STREQ(message_of([&] { linear(at::ones({4})); }).c_str(),
               "[Linear] x must have rank >= 2, got shape [4]");
  EXPECT_STREQ(message_of([&] { linear(at::ones({})); }).c_str(),
               "[Linear] x must have rank >= 2, got shape []");
  EXPECT_STREQ(message_of<NotBuiltError>([&] { linear.input_size(); }).c_str(),
               "[Variable] cannot be read before the first call: call the "
               "module once, or snt::build(module, inputs...)");
  linear(at::ones({2, 4}));
  EXPECT_STREQ(message_of([&] {
                 linear(at::ones({2, 5}));
               }).c_str(),
               "[Linear] the last dimension of x must be 4 as on the first "
               "call, got shape [2, 5]");
  EXPECT_STREQ(message_of<TypeError>([&] {
                 linear(at::ones({2, 4}, at::kDouble));
               }).c_str(),
               "[Linear] x must have dtype float32 like w, got float64");
}

TEST(LinearTest, ErrorsNameThePathOnceItIsKnown) {
  const Net net;
  build(net.logits, Shape{-1, 4});
  named_variables(net);
  EXPECT_STREQ(message_of([&] { net.logits(at::ones({4})); }).c_str(),
               "[Linear logits] x must have rank >= 2, got shape [4]");
  EXPECT_STREQ(message_of<TypeError>([&] {
                 net.logits(at::ones({2, 4}, at::kHalf));
               }).c_str(),
               "[Linear logits] x must have dtype float32 like w, got float16");
}

}  // namespace
}  // namespace snt::linear_test
