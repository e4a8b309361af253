#include "sonnet/kernels/losses/squares.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <c10/core/impl/LocalDispatchKeySet.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/forward_grad.h>
#include <torch/csrc/autograd/function.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "sonnet/kernels/simd.h"
#include "sonnet/kernels/switches.h"
#include "sonnet/testing/expect_close.h"

namespace snt::kernels::squares_test {
namespace {

using at::Tensor;

class Squares : public testing::Test {
 protected:
  void SetUp() override { install_squares(); }
  void TearDown() override {
    switches().fast_losses = true;
    limit_isa_level(2);
  }
};

bool is_ours(const Tensor& y) {
  return y.grad_fn()->name().find("SquareBackward") != std::string::npos;
}
bool is_libtorchs(const Tensor& y) {
  return y.grad_fn()->name() == "PowBackward0";
}

Tensor gradient(const Tensor& y, const Tensor& x, const Tensor& dy) {
  return torch::autograd::grad({y}, {x}, {dy})[0];
}

// Dense in several orders; sizes around the vectors and around the pieces.
std::vector<Tensor> dense() {
  return {at::randn({}),
          at::randn({1}),
          at::randn({7}),
          at::randn({1, 33}),
          at::randn({5, 37}),
          at::randn({37, 5}).t(),
          at::randn({2, 3, 4, 5}).permute({0, 3, 1, 2}),
          at::randn({3, 40001}),
          at::randn({100})[0].unsqueeze(0),
          at::randn({101}).slice(0, 1)};
}

// All the ways in which one number may stand for another one of its row.
std::vector<Tensor> gradients_of(const Tensor& x) {
  std::vector<Tensor> all = {at::randn(x.sizes()), at::randn_like(x),
                             at::randn({}).expand(x.sizes())};
  if (x.dim() > 1) all.push_back(at::randn({x.size(-1)}).expand(x.sizes()));
  return all;
}

TEST_F(Squares, AreThoseOfTheDefinition) {
  for (const int level : {0, 1, 2}) {
    limit_isa_level(level);
    for (const Tensor& numbers : dense()) {
      const Tensor x = numbers.detach().requires_grad_();
      for (const Tensor& y : {x.square(), x.pow(2), at::pow(x, 2.0)}) {
        ASSERT_TRUE(is_ours(y));
        EXPECT_EQ(y.strides(), x.strides());
        EXPECT_TRUE(at::equal(y.detach(), numbers * numbers));
      }
      for (const Tensor& dy : gradients_of(x)) {
        expect_close(gradient(x.square(), x, dy),
                     2 * dy.to(at::kDouble) * numbers.to(at::kDouble));
      }
    }
  }
}

TEST_F(Squares, HaveTheNumbersOfLibtorch) {
  for (const Tensor& numbers : dense()) {
    const Tensor x = numbers.detach().requires_grad_();
    for (const Tensor& dy : gradients_of(x)) {
      switches().fast_losses = true;
      const Tensor got = gradient(x.square(), x, dy);
      switches().fast_losses = false;
      EXPECT_TRUE(at::equal(got, gradient(x.square(), x, dy)));
    }
  }
}

TEST_F(Squares, KeepWhatIsNotFinite) {
  const Tensor x = at::tensor({0.0F, -INFINITY, NAN, -3.0F}).requires_grad_();
  const Tensor y = x.square();
  EXPECT_EQ(y[1].item<float>(), INFINITY);
  const Tensor dx = gradient(y, x, at::tensor(2.0F).expand({4}));
  EXPECT_TRUE(at::equal(dx.index_select(0, at::tensor({0, 1, 3})),
                        at::tensor({0.0F, -INFINITY, -12.0F})));
  EXPECT_TRUE(dx[2].isnan().item<bool>());
}

TEST_F(Squares, LeaveTheRestToLibtorch) {
  const Tensor x = at::randn({4, 6}).requires_grad_();
  EXPECT_TRUE(is_ours(x.square()));
  EXPECT_TRUE(is_libtorchs(x.pow(3)));
  EXPECT_TRUE(is_libtorchs(x.slice(1, 0, 3).square()));
  EXPECT_TRUE(is_libtorchs(x.unsqueeze(0).expand({2, 4, 6}).square()));
  EXPECT_TRUE(is_libtorchs(x.to(at::kDouble).square()));
  EXPECT_TRUE(is_libtorchs(at::randn({0, 3}).requires_grad_().square()));
  EXPECT_FALSE(x.detach().square().requires_grad());
  EXPECT_EQ(at::arange(3).square().scalar_type(), at::kLong);
  {
    const at::NoGradGuard no_grad;
    EXPECT_FALSE(x.square().requires_grad());
  }
  switches().fast_losses = false;
  EXPECT_TRUE(is_libtorchs(x.square()));

  const Tensor cubes = x.pow(3);
  expect_close(gradient(cubes, x, at::ones_like(x)),
               3 * x.detach() * x.detach(), 10);
}

TEST_F(Squares, StepAsideForThoseWhoWatch) {
  const Tensor x = at::randn({4, 6}).requires_grad_();
  EXPECT_TRUE(is_libtorchs(at::_neg_view(x).square()));
  {
    using c10::DispatchKey;
    c10::impl::tls_set_dispatch_key_excluded(DispatchKey::AutocastCPU, false);
    EXPECT_TRUE(is_libtorchs(x.square()));
    c10::impl::tls_set_dispatch_key_excluded(DispatchKey::AutocastCPU, true);
  }
  const uint64_t level = torch::autograd::ForwardADLevel::get_next_idx();
  const Tensor tangent = at::randn({4, 6});
  const Tensor y =
      at::_make_dual(x, tangent, static_cast<int64_t>(level)).square();
  EXPECT_TRUE(is_libtorchs(y));
  expect_close(y._fw_grad(level), 2 * x.detach() * tangent);
  torch::autograd::ForwardADLevel::release_idx(level);
}

TEST_F(Squares, HaveSecondAndThirdDerivatives) {
  const Tensor x = at::randn({4, 6}).requires_grad_();
  const auto derivatives = [&](const Tensor& y) {
    std::vector<Tensor> all = {(y * y).sum()};
    for (int i = 0; i < 3; ++i) {
      all.push_back(torch::autograd::grad({all.back().sum()}, {x}, {},
                                          /*retain_graph=*/true,
                                          /*create_graph=*/true)[0]);
    }
    return all;
  };
  const auto got = derivatives(x.square());
  for (int i = 0; i < 4; ++i) {
    const double factors[] = {1, 4, 12, 24};
    const Tensor power = factors[i] * x.detach().to(at::kDouble).pow(4 - i);
    expect_close(got[i] / 24, (i == 0 ? power.sum() : power) / 24, 10);
  }
}

TEST_F(Squares, KnowWhenTheirNumbersHaveChanged) {
  const Tensor leaf = at::randn({4, 6}).requires_grad_();
  const Tensor x = leaf * 2;
  const Tensor y = x.square();
  x.add_(1);
  EXPECT_THROW(gradient(y, leaf, at::ones_like(y)), c10::Error);

  const Tensor z = leaf.square();
  gradient(z, leaf, at::ones_like(z));
  EXPECT_THROW(gradient(z, leaf, at::ones_like(z)), c10::Error);  // Released.
}

TEST_F(Squares, LeaveTheirNumbersWithTheGraph) {
  const Tensor x = at::randn({4}).requires_grad_() * 1;
  const auto before = x.use_count();
  EXPECT_TRUE(is_ours(x.square()));
  EXPECT_EQ(x.use_count(), before);
}

TEST_F(Squares, MayBeUsedTwice) {
  const Tensor x = at::randn({50, 7}).requires_grad_();
  const Tensor y = x.square();
  expect_close(gradient(y.sum() + (3 * y).sum(), x, at::ones({})),
               8 * x.detach());
}

TEST(SquaresProcess, ChangesNothingUntilInstalledAndThenWithoutAWarning) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");  // From its start.
  const auto program = [] {
    const Tensor x = at::ones({3}).requires_grad_();
    if (!is_libtorchs(x.square())) std::_Exit(2);
    install_squares();
    install_squares();
    if (!is_ours(x.square())) std::_Exit(3);
    std::fputs("done", stderr);
    std::_Exit(0);
  };
  EXPECT_EXIT(program(), testing::ExitedWithCode(0), "^done");
}

}  // namespace
}  // namespace snt::kernels::squares_test
