#include "examples/support/spectral_norm.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <vector>

#include "sonnet/core/gradients.h"
#include "sonnet/core/random.h"
#include "sonnet/core/variables.h"

namespace examples {
namespace {

// The singular values of w, the largest first.
at::Tensor singular_values(const SpectrallyNormedLinear& layer) {
  return std::get<1>(at::svd(layer.linear.w.value().detach().clone()));
}

TEST(SpectrallyNormedLinear, OneStepIsThatOfThePaper) {
  const SpectrallyNormedLinear layer{snt::Linear{2}};
  const at::Tensor x = at::tensor({1.0, 2.0, 4.0}, at::kFloat).view({1, 3});
  layer(x, /*is_training=*/false);
  layer.linear.w.assign(
      at::tensor({3.0, 0.0, 0.0, 4.0, 0.0, 0.0}, at::kFloat).view({3, 2}));
  layer.linear.b.assign(at::tensor({0.5, 0.25}, at::kFloat));
  layer.u.restore(at::tensor({0.6, 0.8}, at::kFloat).view({1, 2}));
  const at::Tensor y = layer(x, /*is_training=*/true);

  // u w^T = (1.8, 3.2, 0) = 3.67151 v; v w = (5.4, 12.8) / 3.67151, of length
  // 13.89244 / 3.67151 = 3.78385.
  const at::Tensor u = at::tensor({5.4, 12.8}, at::kFloat) / 13.89244;
  EXPECT_TRUE(at::allclose(layer.u.value(), u.view({1, 2}), 1e-5, 1e-6));
  const at::Tensor expected =
      at::tensor({0.5 + 3 / 3.78385, 0.25 + 8 / 3.78385}, at::kFloat);
  EXPECT_TRUE(at::allclose(y, expected.view({1, 2}), 1e-5, 1e-6));
}

TEST(SpectrallyNormedLinear, MakesTheLargestSingularValueOne) {
  snt::seed(1);
  const SpectrallyNormedLinear layer{snt::Linear{20}};
  const at::Tensor x = at::randn({4, 30});
  layer(x, /*is_training=*/false);
  const at::Tensor before = singular_values(layer);
  for (int i = 0; i < 200; ++i) layer(x, /*is_training=*/true);
  const at::Tensor after = singular_values(layer);
  EXPECT_NEAR(after[0].item<double>(), 1, 1e-3);
  EXPECT_TRUE(at::allclose(after / after[0], before / before[0], 1e-3, 1e-4));
}

TEST(SpectrallyNormedLinear, ChangesNothingOutsideTraining) {
  const SpectrallyNormedLinear layer{snt::Linear{3}};
  const at::Tensor x = at::randn({2, 5});
  layer(x, /*is_training=*/true);
  const at::Tensor w = layer.linear.w.value().detach().clone();
  const at::Tensor u = layer.u.value().clone();
  const at::Tensor y = layer(x, /*is_training=*/false);
  EXPECT_TRUE(layer.linear.w.value().equal(w));
  EXPECT_TRUE(layer.u.value().equal(u));
  EXPECT_TRUE(at::allclose(y, x.matmul(w)));
}

TEST(SpectrallyNormedLinear, TrainsItsWeightsOnly) {
  const SpectrallyNormedLinear layer{snt::Linear{3}};
  const at::Tensor loss =
      layer(at::ones({2, 5}), /*is_training=*/true).square().sum();
  const auto parameters = snt::trainable_variables(layer);
  EXPECT_EQ(snt::variables(layer).size(), 3U);
  EXPECT_EQ(parameters,
            (std::vector<snt::Variable>{layer.linear.w, layer.linear.b}));
  for (const at::Tensor& g : snt::gradients(loss, parameters)) {
    EXPECT_GT(g.abs().sum().item<double>(), 0);
  }
}

}  // namespace
}  // namespace examples
