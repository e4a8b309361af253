#include "sonnet/layers/parallel_linears.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "sonnet/core/build.h"
#include "sonnet/core/errors.h"
#include "sonnet/core/options.h"
#include "sonnet/core/random.h"
#include "sonnet/core/variables.h"
#include "sonnet/initializers/constant.h"
#include "sonnet/layers/linear.h"
#include "sonnet/testing/expect_close.h"
#include "sonnet/testing/expect_gradients.h"
#include "sonnet/testing/message_of.h"
#include "sonnet/testing/uneven.h"

namespace snt::parallel_linears_test {
namespace {

using Sizes = std::vector<int64_t>;

struct Net {
  ParallelLinears heads{3};
};

at::Tensor some_biases(at::IntArrayRef shape, at::ScalarType dtype) {
  return uneven(shape, dtype, 5);
}

// y[i][j][k] = sum_l x[i][j][l] w[i][l][k] + b[i][0][k].
at::Tensor slow_outputs(const at::Tensor& x, const ParallelLinears& heads) {
  const at::Tensor& w = heads.w.value();
  const at::Tensor y =
      at::zeros({x.size(0), x.size(1), heads.output_size}, at::kDouble);
  for (int64_t i = 0; i < y.size(0); ++i) {
    for (int64_t j = 0; j < y.size(1); ++j) {
      for (int64_t k = 0; k < y.size(2); ++k) {
        double sum =
            heads.with_bias ? heads.b.value()[i][0][k].item<double>() : 0;
        for (int64_t l = 0; l < x.size(2); ++l) {
          sum += x[i][j][l].item<double>() * w[i][l][k].item<double>();
        }
        y[i][j][k] = sum;
      }
    }
  }
  return y;
}

TEST(ParallelLinearsTest, AgainstALoop) {
  for (const Sizes& shape : {Sizes{0, 2, 3}, Sizes{2, 0, 3}, Sizes{2, 3, 0},
                             Sizes{1, 1, 1}, Sizes{3, 2, 4}, Sizes{1, 5, 2}}) {
    for (int64_t output_size : {0, 1, 5}) {
      for (bool with_bias : {true, false}) {
        const ParallelLinears heads{
            .output_size = output_size,
            .with_bias = with_bias,
            .b_init = with_bias ? Initializer(some_biases) : Initializer()};
        const at::Tensor x = uneven(shape);
        const at::Tensor y = heads(x);
        expect_close(y, slow_outputs(x, heads));
        EXPECT_EQ(heads.w.shape(),
                  at::IntArrayRef({shape[0], shape[2], output_size}));
        EXPECT_EQ(heads.input_size(), shape[2]);
        ASSERT_EQ(heads.b.is_built(), with_bias);
        if (with_bias) {
          EXPECT_EQ(heads.b.shape(),
                    at::IntArrayRef({shape[0], 1, output_size}));
        }
      }
    }
  }
}

TEST(ParallelLinearsTest, Dtypes) {
  for (at::ScalarType dtype :
       {at::kFloat, at::kDouble, at::kHalf, at::kBFloat16}) {
    const ParallelLinears heads{.output_size = 2, .b_init = some_biases};
    const at::Tensor x = uneven({3, 2, 4}, dtype);
    const at::Tensor y = heads(x);
    expect_close(y, slow_outputs(x, heads), dtype);
    EXPECT_EQ(heads.w.dtype(), dtype);
    EXPECT_EQ(heads.b.dtype(), dtype);
  }
  const ParallelLinears integers{.output_size = 2,
                                 .w_init = initializers::Constant{3}};
  const at::Tensor x = at::arange(12, at::kInt).view({2, 2, 3});
  const at::Tensor y = integers(x);
  expect_close(y, slow_outputs(x, integers), at::kInt);
}

TEST(ParallelLinearsTest, Options) {
  EXPECT_EQ(repr(ParallelLinears{10}), "ParallelLinears(output_size=10)");
  EXPECT_EQ(repr(ParallelLinears{2, false, {}, {}, "heads"}),
            "ParallelLinears(output_size=2, with_bias=False, name='heads')");
  EXPECT_EQ(to_json(ParallelLinears{10}),
            R"({"output_size":10,"with_bias":true,"w_init":null,)"
            R"("b_init":null})");
}

// As in linear_test.cc.
TEST(ParallelLinearsTest, InitialValues) {
  snt::seed(3);
  const ParallelLinears heads{100};
  heads(at::ones({4, 1, 225}));
  const at::Tensor w = heads.w.value().detach().to(at::kDouble) * 15;
  const double n = 4 * 225 * 100;
  EXPECT_LE(w.abs().max().item<double>(), 2);
  EXPECT_NEAR(w.mean().item<double>(), 0, 5 * 0.88 / std::sqrt(n));
  EXPECT_NEAR(w.std().item<double>() / 0.87962566, 1, 5 / std::sqrt(2 * n));
  EXPECT_FALSE(at::allclose(w[0], w[1]));
  EXPECT_TRUE(at::equal(heads.b.value(), at::zeros({4, 1, 100})));
}

// Each of them is a Linear of its own, and nothing mixes them.
TEST(ParallelLinearsTest, IsAsManyLinears) {
  const ParallelLinears heads{.output_size = 2, .b_init = some_biases};
  const at::Tensor x = uneven({3, 4, 5});
  const at::Tensor y = heads(x);
  for (int64_t i = 0; i < 3; ++i) {
    const Linear linear{2};
    linear(x[i]);
    linear.w.assign(heads.w.value()[i]);
    linear.b.assign(heads.b.value()[i][0]);
    expect_close(y[i], linear(x[i]));
  }
}

TEST(ParallelLinearsTest, Gradients) {
  const ParallelLinears heads{.output_size = 2, .b_init = some_biases};
  const at::Tensor x = uneven({2, 3, 4}).requires_grad_();
  heads(x);
  expect_gradients([&] { return heads(x); },
                   {x, heads.w.value(), heads.b.value()});
}

TEST(ParallelLinearsTest, CopiesShare) {
  const ParallelLinears heads{2};
  const ParallelLinears copy = heads;
  const at::Tensor x = uneven({2, 3, 4});
  EXPECT_TRUE(at::equal(heads(x), copy(x)));
  EXPECT_EQ(heads.w, copy.w);
}

TEST(ParallelLinearsTest, Errors) {
  const ParallelLinears heads{3};
  EXPECT_STREQ(message_of([&] {
                 heads(at::ones({2, 4}));
               }).c_str(),
               "[ParallelLinears] x must have rank 3, got shape [2, 4]");
  EXPECT_STREQ(message_of([&] {
                 heads(at::ones({2, 3, 4, 5}));
               }).c_str(),
               "[ParallelLinears] x must have rank 3, got shape [2, 3, 4, 5]");
  EXPECT_THROW(heads.input_size(), NotBuiltError);
  EXPECT_STREQ(
      message_of([] {
        from_json<ParallelLinears>(
            R"({"output_size": 3, "with_bias": false, "b_init":
                {"class": "initializers.Zeros"}})");
      }).c_str(),
      "[ParallelLinears] When not using a bias the b_init must be None.");
  EXPECT_STREQ(message_of([] {
                 ParallelLinears{-1}(at::ones({2, 3, 4}));
               }).c_str(),
               "[ParallelLinears] output_size must be >= 0, got -1");
}

TEST(ParallelLinearsTest, ErrorsNameThePath) {
  const Net net;
  build(net.heads, Shape{2, -1, 4});
  named_variables(net);
  EXPECT_STREQ(message_of([&] { net.heads(at::ones({4})); }).c_str(),
               "[ParallelLinears heads] x must have rank 3, got shape [4]");
  EXPECT_STREQ(message_of([&] {
                 net.heads(at::ones({2, 1, 5}));
               }).c_str(),
               "[Variable heads/w] was created with shape [2, 4, 3], but this "
               "call needs [2, 5, 3]");
  EXPECT_STREQ(message_of<TypeError>([&] {
                 net.heads(at::ones({2, 1, 4}, at::kDouble));
               }).c_str(),
               "[ParallelLinears heads] x must have dtype float32 like w, got "
               "float64");
}

}  // namespace
}  // namespace snt::parallel_linears_test
