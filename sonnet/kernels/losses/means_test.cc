#include "sonnet/kernels/losses/means.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/function.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "sonnet/kernels/switches.h"
#include "sonnet/testing/expect_close.h"

namespace snt::kernels::means_test {
namespace {

using at::Tensor;

class Means : public testing::Test {
 protected:
  void SetUp() override { install_means(); }
  void TearDown() override { switches().fast_losses = true; }
};

bool is_ours(const Tensor& y) {
  return y.grad_fn()->name().find("snt::") != std::string::npos;
}

TEST_F(Means, AreThoseOfTheDefinition) {
  for (const Tensor& numbers :
       {at::randn({}), at::randn({1}), at::randn({7, 1, 5}),
        at::randn({5, 37}).t(), at::randn({30, 8}).slice(1, 2, 5),
        at::randn({3}).expand({4, 3}), at::randn({300, 401})}) {
    const Tensor x = numbers.detach().requires_grad_();
    const Tensor y = x.mean();
    ASSERT_TRUE(is_ours(y));
    expect_close(y, numbers.to(at::kDouble).mean());
    EXPECT_TRUE(at::equal(y.detach(), numbers.mean()));
    const Tensor dx = torch::autograd::grad({y}, {x}, {at::tensor(3.0F)})[0];
    const double each = 3.0 / static_cast<double>(x.numel());
    expect_close(dx * x.numel(), at::full(x.sizes(), each) * x.numel());
    EXPECT_TRUE(is_ours(x.mean(at::kFloat)));
  }
}

TEST_F(Means, LeaveTheRestToLibtorch) {
  const Tensor x = at::randn({4, 6}).requires_grad_();
  EXPECT_TRUE(is_ours(x.mean()));
  for (const Tensor& y :
       {x.mean(at::kDouble), x.to(at::kDouble).mean(), x.mean(0).mean(0),
        at::randn({0}).requires_grad_().mean()}) {
    EXPECT_FALSE(is_ours(y)) << y.grad_fn()->name();
  }
  EXPECT_FALSE(x.detach().mean().requires_grad());
  {
    const at::NoGradGuard no_grad;
    EXPECT_FALSE(x.mean().requires_grad());
  }
  switches().fast_losses = false;
  EXPECT_EQ(x.mean().grad_fn()->name(), "MeanBackward0");
}

TEST_F(Means, HaveSecondDerivatives) {
  const Tensor x = at::randn({4, 6}).requires_grad_();
  const Tensor first = torch::autograd::grad({x.mean().pow(3)}, {x}, {},
                                             /*retain_graph=*/true,
                                             /*create_graph=*/true)[0];
  const Tensor second = torch::autograd::grad({first.sum()}, {x})[0];
  const double mean = x.detach().to(at::kDouble).mean().item<double>();
  expect_close(first, at::full({4, 6}, 3 * mean * mean / 24));
  expect_close(second, at::full({4, 6}, 6 * mean / 24));
}

TEST(MeansProcess, ChangesNothingUntilInstalledAndThenWithoutAWarning) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");  // From its start.
  const auto program = [] {
    const Tensor x = at::ones({3}).requires_grad_();
    if (x.mean().grad_fn()->name() != "MeanBackward0") std::_Exit(2);
    install_means();
    install_means();
    if (!is_ours(x.mean())) std::_Exit(3);
    std::fputs("done", stderr);
    std::_Exit(0);
  };
  EXPECT_EXIT(program(), testing::ExitedWithCode(0), "^done");
}

}  // namespace
}  // namespace snt::kernels::means_test
