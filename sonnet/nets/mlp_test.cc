#include "sonnet/nets/mlp.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sonnet/core/activation.h"
#include "sonnet/core/build.h"
#include "sonnet/core/clone.h"
#include "sonnet/core/errors.h"
#include "sonnet/core/gradients.h"
#include "sonnet/core/options.h"
#include "sonnet/core/random.h"
#include "sonnet/core/variables.h"
#include "sonnet/initializers/constant.h"
#include "sonnet/kernels/switches.h"
#include "sonnet/testing/expect_close.h"
#include "sonnet/testing/expect_gradients.h"
#include "sonnet/testing/message_of.h"
#include "sonnet/testing/uneven.h"

namespace snt::nets::mlp_test {
namespace {

using Sizes = std::vector<int64_t>;

struct Net {
  MLP body{.output_sizes = {4, 3}};

  at::Tensor operator()(const at::Tensor& x) const { return body(x); }
};

at::Tensor some_biases(at::IntArrayRef shape, at::ScalarType dtype) {
  return uneven(shape, dtype, 5);
}

// One example through all layers, one number after the other; tanh between.
std::vector<double> slow_output(std::vector<double> x, const MLP& mlp) {
  for (size_t l = 0; l < mlp.layers.size(); ++l) {
    const at::Tensor w = mlp.layers[l].w.value().to(at::kDouble);
    std::vector<double> y(w.size(1));
    for (int64_t j = 0; j < w.size(1); ++j) {
      y[j] = mlp.with_bias ? mlp.layers[l].b.value()[j].item<double>() : 0;
      for (size_t k = 0; k < x.size(); ++k) {
        y[j] += x[k] * w[static_cast<int64_t>(k)][j].item<double>();
      }
      const bool last = l + 1 == mlp.layers.size();
      if (!last || mlp.activate_final) y[j] = std::tanh(y[j]);
    }
    x = y;
  }
  return x;
}

struct Case {
  const char* name;
  Sizes x;
  Sizes output_sizes;
};

class MLPShapes : public testing::TestWithParam<Case> {};

TEST_P(MLPShapes, AgainstALoop) {
  const auto& [name, shape, output_sizes] = GetParam();
  for (bool with_bias : {true, false}) {
    for (bool activate_final : {true, false}) {
      const MLP mlp{
          .output_sizes = output_sizes,
          .b_init = with_bias ? Initializer(some_biases) : Initializer(),
          .with_bias = with_bias,
          .activation = activations::tanh,
          .activate_final = activate_final};
      const at::Tensor x = uneven(shape);
      const at::Tensor y = mlp(x);
      Sizes want = shape;
      want.back() = output_sizes.back();
      ASSERT_EQ(y.sizes(), at::IntArrayRef(want));
      if (y.numel() == 0) continue;
      const at::Tensor got = y.reshape({-1, want.back()});
      const at::Tensor rows = x.reshape({got.size(0), shape.back()});
      for (int64_t i = 0; i < got.size(0); ++i) {
        const double* row = rows.data_ptr<double>() + i * shape.back();
        const std::vector<double> expected =
            slow_output({row, row + shape.back()}, mlp);
        expect_close(got[i], at::tensor(expected, at::kDouble));
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    MLP, MLPShapes,
    testing::Values(Case{"EmptyBatch", {0, 4}, {3, 2}},
                    Case{"NoInputs", {2, 0}, {3, 2}},
                    Case{"NoUnits", {2, 4}, {0, 2}},
                    Case{"NoOutputs", {2, 4}, {3, 0}},
                    Case{"Ones", {1, 1}, {1}}, Case{"OneLayer", {2, 4}, {3}},
                    Case{"ThreeLayers", {2, 5}, {6, 4, 3}},
                    Case{"Rank3", {2, 3, 4}, {5, 2}},
                    Case{"Rank5", {2, 1, 3, 2, 4}, {5, 2}}),
    [](const auto& info) { return info.param.name; });

TEST(MLPTest, WithoutLayersGivesItsInput) {
  const MLP mlp{.output_sizes = Sizes{}};
  const at::Tensor x = uneven({2, 3});
  EXPECT_TRUE(mlp(x).is_same(x));
}

TEST(MLPTest, Dtypes) {
  for (at::ScalarType dtype :
       {at::kFloat, at::kDouble, at::kHalf, at::kBFloat16}) {
    const MLP mlp{.output_sizes = {3, 2}, .activation = activations::tanh};
    const at::Tensor x = uneven({1, 4}, dtype);
    const at::Tensor y = mlp(x);
    const at::Tensor exact = x.to(at::kDouble).contiguous();
    const double* row = exact.data_ptr<double>();
    expect_close(y[0],
                 at::tensor(slow_output({row, row + 4}, mlp), at::kDouble),
                 dtype, 2);
    for (const Variable& variable : variables(mlp)) {
      EXPECT_EQ(variable.dtype(), dtype);
    }
  }
}

// Without biases relu(a x) = a relu(x) for a >= 0, also through many layers.
TEST(MLPTest, ReluIsPositivelyHomogeneous) {
  const MLP mlp{.output_sizes = {6, 5, 4}, .with_bias = false};
  const at::Tensor x = uneven({3, 4});
  EXPECT_TRUE(at::allclose(mlp(3 * x), 3 * mlp(x)));
  const at::Tensor order = at::tensor({2, 0, 1});
  EXPECT_TRUE(at::allclose(mlp(x.index_select(0, order)),
                           mlp(x).index_select(0, order)));
}

TEST(MLPTest, IsTheSameAtOnceAndLayerByLayer) {
  for (const bool with_bias : {true, false}) {
    for (const bool activate_final : {true, false}) {
      const MLP mlp{.output_sizes = {9, 17, 3},
                    .with_bias = with_bias,
                    .activate_final = activate_final};
      const at::Tensor x = at::randn({2, 5, 7}).requires_grad_();
      build(mlp, Shape{2, 5, 7});
      std::vector<at::Tensor> leaves = {x};
      for (const Variable& v : trainable_variables(mlp)) {
        leaves.push_back(v.value());
      }
      const auto both = [&] {
        const at::Tensor y = mlp(x);
        std::vector<at::Tensor> all = gradients(y.sin().sum(), leaves);
        all.push_back(y.detach());
        return all;
      };
      const auto at_once = both();
      kernels::switches().fast_layers = false;
      const auto one_by_one = both();
      kernels::switches().fast_layers = true;
      for (size_t i = 0; i < at_once.size(); ++i) {
        EXPECT_TRUE(at::allclose(at_once[i], one_by_one[i], 1e-5, 1e-5)) << i;
      }
    }
  }
}

TEST(MLPTest, InitialisersOfAllLayers) {
  const MLP mlp{.output_sizes = {3, 2},
                .w_init = initializers::Constant{0.2},
                .b_init = initializers::Constant{0.1}};
  mlp(at::ones({1, 4}));
  for (const Linear& layer : mlp.layers) {
    EXPECT_TRUE(layer.w.value().eq(0.2f).all().item<bool>());
    EXPECT_TRUE(layer.b.value().eq(0.1f).all().item<bool>());
  }
}

TEST(MLPTest, Variables) {
  const MLP mlp{.output_sizes = {3, 2}, .name = "head"};
  const at::Tensor y = build(mlp, Shape{-1, 4});
  EXPECT_EQ(y.sizes(), at::IntArrayRef({1, 2}));
  std::string paths;
  std::string names;
  for (const NamedVariable& entry : named_variables(mlp)) {
    paths += entry.path + " ";
    names += entry.variable.name() + " ";
  }
  EXPECT_EQ(paths, "layers/0/w layers/0/b layers/1/w layers/1/b ");
  EXPECT_EQ(names,
            "head/linear_0/w head/linear_0/b head/linear_1/w "
            "head/linear_1/b ");
  EXPECT_EQ(submodules(mlp).size(), 2);
  const MLP no_bias{.output_sizes = {3, 2}, .with_bias = false};
  build(no_bias, Shape{-1, 4});
  EXPECT_EQ(trainable_variables(no_bias).size(), 2);
}

TEST(MLPTest, Gradients) {
  const MLP mlp{.output_sizes = {3, 2},
                .b_init = some_biases,
                .activation = activations::tanh,
                .activate_final = true};
  const at::Tensor x = uneven({2, 4}).requires_grad_();
  mlp(x);
  std::vector<at::Tensor> leaves = {x};
  for (const Variable& variable : trainable_variables(mlp)) {
    leaves.push_back(variable.value());
  }
  ASSERT_EQ(leaves.size(), 5);
  expect_gradients([&] { return mlp(x); }, leaves);
}

// All weights 1 and no biases, x = 1: a unit of layer 1 is 0 or 4 / (1 - rate)
// before the activation, which sees what dropout left.
TEST(MLPTest, DropoutComesBeforeTheActivation) {
  snt::seed(1);
  at::Tensor seen;
  const MLP mlp{.output_sizes = {400, 1},
                .w_init = initializers::Ones{},
                .with_bias = false,
                .activation =
                    [&](const at::Tensor& x) {
                      seen = x.detach();
                      return x + 1;
                    },
                .dropout_rate = 0.5};
  const at::Tensor x = at::ones({1, 4});
  const at::Tensor y = mlp(x, /*is_training=*/true);
  EXPECT_TRUE(at::logical_or(seen == 0, seen == 8).all().item<bool>());
  // 400 units: the fraction is within 5 deviations of 1/40, p_fail < 1e-6.
  EXPECT_NEAR((seen == 0).to(at::kDouble).mean().item<double>(), 0.5, 0.125);
  EXPECT_EQ(y.item<double>(), seen.sum().item<double>() + 400);
  EXPECT_FALSE(at::equal(mlp(x, true), y));  // p_fail < 0.03, seeded.

  EXPECT_EQ(mlp(x, /*is_training=*/false).item<double>(), 400 * 5);
  const at::Tensor yes = at::scalar_tensor(true, at::kBool);
  EXPECT_EQ(mlp(x, yes.logical_not()).item<double>(), 400 * 5);
  mlp(x, yes);
  EXPECT_TRUE((seen == 0).any().item<bool>());
}

// The last layer keeps all its units unless it is activated.
TEST(MLPTest, DropoutFollowsActivatedLayersOnly) {
  snt::seed(2);
  const at::Tensor x = at::ones({1, 4});
  for (bool activate_final : {false, true}) {
    const MLP mlp{.output_sizes = {200},
                  .w_init = initializers::Ones{},
                  .dropout_rate = 0.5,
                  .activate_final = activate_final};
    EXPECT_EQ((mlp(x, true) == 0).any().item<bool>(), activate_final);
  }
}

TEST(MLPTest, IsTraining) {
  const at::Tensor x = at::ones({2, 4});
  const MLP with{.output_sizes = {3}, .dropout_rate = 0.5};
  EXPECT_STREQ(
      message_of([&] { with(x); }).c_str(),
      "[MLP] The `is_training` argument is required when dropout is used.");
  for (const std::optional<double>& none :
       {std::optional<double>(), std::optional<double>(0)}) {
    const MLP without{.output_sizes = {3}, .dropout_rate = none};
    without(x);
    for (bool is_training : {true, false}) {
      EXPECT_STREQ(message_of([&] { without(x, is_training); }).c_str(),
                   "[MLP] The `is_training` argument should only be used with "
                   "dropout.");
    }
  }
}

TEST(MLPTest, Reverse) {
  const MLP mlp{.output_sizes = {6, 4, 3},
                .w_init = initializers::Constant{0.5},
                .with_bias = false,
                .activation = activations::tanh,
                .dropout_rate = 0.25,
                .activate_final = true};
  EXPECT_THROW(mlp.reverse(), NotBuiltError);
  const at::Tensor x = uneven({2, 5});
  const at::Tensor y = mlp(x, false);

  const MLP back = mlp.reverse();
  EXPECT_EQ(back.output_sizes.value, (Sizes{4, 6, 5}));
  EXPECT_EQ(repr(back),
            "MLP(\n"
            "    output_sizes=[4, 6, 5],\n"
            "    w_init=Constant(value=0.5),\n"
            "    with_bias=False,\n"
            "    activation=tanh,\n"
            "    dropout_rate=0.25,\n"
            "    activate_final=True,\n"
            "    name='mlp_reversed',\n"
            ")");
  EXPECT_EQ(back(y, false).sizes(), x.sizes());
  EXPECT_NE(back.layers[0].w, mlp.layers[2].w);
  EXPECT_EQ(back.reverse().output_sizes.value, (Sizes{6, 4, 3}));

  const MLP named = mlp.reverse(/*activate_final=*/false, "decoder");
  EXPECT_FALSE(named.activate_final);
  EXPECT_EQ(named.name, "decoder");
  EXPECT_EQ(back.reverse().name, "mlp_reversed_reversed");
}

TEST(MLPTest, CopiesShareAndClonesDoNot) {
  const MLP mlp{.output_sizes = {3, 2}};
  const MLP copy = mlp;
  const MLP other = clone(mlp);
  const at::Tensor x = uneven({2, 4});
  const at::Tensor y = mlp(x);
  EXPECT_TRUE(at::equal(copy(x), y));
  EXPECT_FALSE(at::allclose(other(x), y));
}

TEST(MLPTest, Options) {
  EXPECT_EQ(repr(MLP{{4, 3}}), "MLP(output_sizes=[4, 3])");
  EXPECT_EQ(repr(MLP{.output_sizes = {4, 3}, .dropout_rate = 0.5}),
            "MLP(output_sizes=[4, 3], dropout_rate=0.5)");
  EXPECT_EQ(to_json(MLP{{4, 3}}),
            R"({"output_sizes":[4,3],"w_init":null,"b_init":null,)"
            R"("with_bias":true,"activation":"relu","dropout_rate":null,)"
            R"("activate_final":false})");
  const MLP all{{6},
                initializers::Ones{},
                initializers::Zeros{},
                true,
                activations::elu,
                0.5,
                true,
                "head"};
  EXPECT_EQ(to_json(from_json<MLP>(to_json(all))), to_json(all));
}

TEST(MLPTest, Errors) {
  const at::Tensor x = at::ones({2, 4});
  const MLP bias_twice{
      .output_sizes = {3}, .b_init = initializers::Zeros{}, .with_bias = false};
  EXPECT_STREQ(message_of([&] { bias_twice(x); }).c_str(),
               "[MLP] When with_bias=False b_init must not be set.");
  const MLP rate{.output_sizes = {3}, .dropout_rate = 1};
  EXPECT_STREQ(message_of([&] { rate(x, true); }).c_str(),
               "[MLP] dropout_rate must be in [0, 1), got 1.0");
  EXPECT_STREQ(message_of([&] {
                 MLP{{3, -1}}(x);
               }).c_str(),
               "[Linear] output_size must be >= 0, got -1");
  const Net net;
  EXPECT_STREQ(message_of([&] { net(at::ones({4})); }).c_str(),
               "[Linear] x must have rank >= 2, got shape [4]");
  build(net, Shape{-1, 5});
  EXPECT_STREQ(message_of([&] {
                 net(at::ones({2, 6}));
               }).c_str(),
               "[Linear body/layers/0] the last dimension of x must be 5 as on "
               "the first call, got shape [2, 6]");
}

}  // namespace
}  // namespace snt::nets::mlp_test
