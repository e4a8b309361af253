#include "sonnet/kernels/losses/cross_entropy.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/ops/cross_entropy_loss_compositeimplicitautograd_dispatch.h>
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/function.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "sonnet/core/gradients.h"
#include "sonnet/kernels/simd.h"
#include "sonnet/kernels/switches.h"
#include "sonnet/testing/expect_close.h"

namespace snt::kernels::cross_entropy_test {
namespace {

using at::Tensor;

struct CrossEntropyTest : testing::Test {
  CrossEntropyTest() { install_cross_entropy(); }
};

constexpr int64_t kIgnored = -100;

Tensor loss_of(const Tensor& logits, const Tensor& labels,
               int64_t reduction = at::Reduction::Mean,
               int64_t ignored = kIgnored) {
  return at::cross_entropy_loss(logits, labels, {}, reduction, ignored);
}

// Libtorch's own.
Tensor plain_loss(const Tensor& logits, const Tensor& labels,
                  int64_t reduction = at::Reduction::Mean,
                  int64_t ignored = kIgnored) {
  return at::compositeimplicitautograd::cross_entropy_loss(logits, labels, {},
                                                           reduction, ignored);
}

bool is_ours(const Tensor& loss) {
  return loss.grad_fn() != nullptr &&
         loss.grad_fn()->name() == "CrossEntropyBackward";
}

// One number after the other: sum_i log(sum_c e^x[i, c]) - x[i, label].
double slow_sum(const Tensor& logits, const Tensor& labels, int64_t ignored) {
  double sum = 0;
  for (int64_t i = 0; i < logits.size(0); ++i) {
    const int64_t label = labels[i].item<int64_t>();
    if (label == ignored) continue;
    double total = 0;
    for (int64_t c = 0; c < logits.size(1); ++c) {
      total += std::exp(logits[i][c].item<double>());
    }
    sum += std::log(total) - logits[i][label].item<double>();
  }
  return sum;
}

struct Shape {
  int64_t rows, classes;
};
const std::vector<Shape> kShapes = {{1, 1},    {1, 2},  {3, 10}, {32, 10},
                                    {5, 16},   {4, 33}, {7, 64}, {300, 96},
                                    {2, 5000}, {9, 4}};

TEST_F(CrossEntropyTest, IsTheDefinition) {
  for (const int level : {0, 1, 2}) {
    limit_isa_level(level);
    for (const Shape& s : kShapes) {
      if (s.rows * s.classes > 1000) continue;
      SCOPED_TRACE(testing::Message()
                   << level << ": " << s.rows << " " << s.classes);
      const Tensor x = at::randn({s.rows, s.classes}) * 3;
      Tensor labels = at::randint(s.classes, {s.rows}, at::kLong);
      labels[0] = 2 * s.classes;
      labels[s.rows - 1] = s.classes - 1;
      const double want = slow_sum(x, labels, 2 * s.classes);
      const Tensor got = loss_of(x, labels, at::Reduction::Sum, 2 * s.classes);
      expect_close(got / s.rows, at::scalar_tensor(want / s.rows, at::kDouble),
                   10);
    }
  }
  limit_isa_level(2);
}

// The gradient in the precision of float64.
void expect_gradient(const Tensor& x, const Tensor& labels, int64_t reduction,
                     int64_t ignored) {
  const Tensor leaf = x.detach().requires_grad_();
  const Tensor loss = loss_of(leaf, labels, reduction, ignored);
  ASSERT_TRUE(is_ours(loss));
  const Tensor exact = x.detach().to(at::kDouble).requires_grad_();
  const Tensor want = plain_loss(exact, labels, reduction, ignored);
  const double size = std::max(1.0, want.item<double>());
  expect_close(loss / size, want / size, 10);
  const Tensor got = gradients(2.5 * loss, leaf);
  ASSERT_EQ(got.sizes(), x.sizes());
  const double scale = reduction == at::Reduction::Mean ? labels.numel() : 1;
  expect_close(got * scale, gradients(2.5 * want, exact) * scale, 10);
}

TEST_F(CrossEntropyTest, HasTheGradientsOfFloat64) {
  for (const int threads : {1, 2}) {
    at::set_num_threads(threads);
    for (const int level : {0, 1, 2}) {
      limit_isa_level(level);
      for (const Shape& s : kShapes) {
        for (const int64_t reduction :
             {at::Reduction::Mean, at::Reduction::Sum}) {
          SCOPED_TRACE(testing::Message() << level << ": " << s.rows << " "
                                          << s.classes << " " << reduction);
          const Tensor x = at::randn({s.rows, s.classes}) * 3;
          Tensor labels = at::randint(s.classes, {s.rows}, at::kLong);
          expect_gradient(x, labels, reduction, kIgnored);
          if (s.rows < 3) continue;
          labels[1] = kIgnored;
          expect_gradient(x, labels, reduction, kIgnored);
          // The ignored one may be a class.
          expect_gradient(x, labels.clamp_min(0), reduction, 0);
        }
      }
    }
  }
  at::set_num_threads(1);
  limit_isa_level(2);
}

TEST_F(CrossEntropyTest, TakesRowsInAnyOrder) {
  const Tensor labels = at::randint(7, {12, 5}, at::kLong);
  const Tensor x = at::randn({12, 5, 7});
  expect_gradient(x.transpose(1, 2), labels, at::Reduction::Mean, kIgnored);
  expect_gradient(x.select(1, 2), labels.select(1, 2), at::Reduction::Mean, 0);
  expect_gradient(x.transpose(0, 1).transpose(1, 2), labels.t(),
                  at::Reduction::Sum, 3);
}

TEST_F(CrossEntropyTest, IsDifferentiableTwice) {
  const Tensor labels = at::tensor({2, 0, -100, 4}, at::kLong);
  const Tensor x = at::randn({4, 5});
  const auto second = [&](const auto& loss, at::ScalarType dtype) {
    const Tensor leaf = x.to(dtype).requires_grad_();
    const Tensor first =
        gradients(loss(leaf, labels, at::Reduction::Mean, kIgnored), leaf,
                  {.create_graph = true});
    return gradients(first.square().sum(), leaf);
  };
  expect_close(second(loss_of, at::kFloat), second(plain_loss, at::kDouble),
               10);
}

TEST_F(CrossEntropyTest, TreatsWhatIsNotFiniteAsLibtorch) {
  const float inf = std::numeric_limits<float>::infinity();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const float odd : {inf, -inf, nan, 200.0f, -200.0f, 3e38f}) {
    for (const int64_t place : {0, 3}) {
      for (const int64_t label : {int64_t{3}, int64_t{1}, kIgnored}) {
        SCOPED_TRACE(testing::Message() << odd << " " << place << " " << label);
        Tensor x = at::randn({2, 20});
        x[0][place] = odd;
        const Tensor labels = at::tensor({label, int64_t{2}}, at::kLong);
        const auto both = [&](const auto& loss) {
          const Tensor leaf = x.detach().clone().requires_grad_();
          const Tensor y = loss(leaf, labels, at::Reduction::Sum, kIgnored);
          return std::vector<Tensor>{y.detach(), gradients(y, leaf)};
        };
        const auto got = both(loss_of), want = both(plain_loss);
        for (const int i : {0, 1}) {
          EXPECT_TRUE(at::allclose(got[i], want[i], 1e-5, 1e-6,
                                   /*equal_nan=*/true))
              << got[i] << want[i];
        }
      }
    }
  }
  Tensor all = at::full({1, 4}, -inf);
  EXPECT_TRUE(loss_of(all, at::zeros({1}, at::kLong)).isnan().item<bool>());
}

TEST_F(CrossEntropyTest, WhereNothingCountsTheMeanIsNaN) {
  const Tensor labels = at::full({3}, kIgnored, at::kLong);
  const Tensor x = at::randn({3, 4}).requires_grad_();
  const Tensor loss = loss_of(x, labels);
  EXPECT_TRUE(loss.isnan().item<bool>());
  EXPECT_TRUE(plain_loss(x, labels).isnan().item<bool>());
  EXPECT_TRUE(at::equal(gradients(loss, x), at::zeros({3, 4})));
  EXPECT_EQ(loss_of(x, labels, at::Reduction::Sum).item<float>(), 0);
}

TEST_F(CrossEntropyTest, LeavesTheRestToLibtorch) {
  const Tensor x = at::randn({3, 4}).requires_grad_();
  const Tensor labels = at::tensor({0, 3, 1}, at::kLong);
  EXPECT_TRUE(is_ours(at::cross_entropy_loss(x, labels)));
  const auto expect_left = [](const Tensor& loss) {
    EXPECT_FALSE(is_ours(loss));
    gradients(loss, std::vector<Tensor>{});
  };
  const auto none = at::Reduction::None, mean = at::Reduction::Mean;
  expect_left(at::cross_entropy_loss(x, labels, at::ones({4})));
  expect_left(at::cross_entropy_loss(x, labels, {}, none));
  expect_left(at::cross_entropy_loss(x, labels, {}, mean, kIgnored, 0.1));
  expect_left(at::cross_entropy_loss(x, at::rand({3, 4})));
  expect_left(at::cross_entropy_loss(x[0], labels[0]));
  expect_left(at::cross_entropy_loss(x.to(at::kDouble), labels));
  expect_left(
      at::cross_entropy_loss(at::randn({4, 3}).requires_grad_().t(), labels));
  expect_left(at::cross_entropy_loss(at::randn({0, 4}).requires_grad_(),
                                     at::empty({0}, at::kLong)));
  switches().fast_losses = false;
  expect_left(at::cross_entropy_loss(x, labels));
  switches().fast_losses = true;
  EXPECT_FALSE(at::cross_entropy_loss(x.detach(), labels).requires_grad());
  const c10::InferenceMode guard;
  EXPECT_TRUE(at::cross_entropy_loss(at::randn({3, 4}), labels).is_inference());
}

std::string message_of_loss(const Tensor& x, const Tensor& labels) {
  try {
    at::cross_entropy_loss(x, labels);
  } catch (const c10::Error& error) {
    return error.what_without_backtrace();
  }
  return "";
}

TEST_F(CrossEntropyTest, RefusesWhatLibtorchRefusesInItsWords) {
  const Tensor x = at::randn({3, 4});
  for (const Tensor& labels :
       {at::tensor({0, 4, 1}, at::kLong), at::tensor({0, -1, 1}, at::kLong),
        at::tensor({0, 1}, at::kLong), at::tensor({0, 1, 2}, at::kInt)}) {
    const std::string got = message_of_loss(x, labels);
    EXPECT_NE(got, "");
    switches().fast_losses = false;
    EXPECT_EQ(got, message_of_loss(x, labels));
    switches().fast_losses = true;
  }
}

TEST_F(CrossEntropyTest, RefusesLogitsThatHaveChangedAndASecondBackward) {
  const Tensor labels = at::tensor({0, 3, 1}, at::kLong);
  const Tensor x = at::randn({3, 4}).requires_grad_();
  const Tensor y = x * 1;
  const Tensor loss = at::cross_entropy_loss(y, labels);
  gradients(loss, x, {.retain_graph = true});
  y.detach().zero_();
  EXPECT_THROW(gradients(loss, x), c10::Error);
  const Tensor other = at::cross_entropy_loss(x * 1, labels);
  gradients(other, x);
  EXPECT_THROW(gradients(other, x), c10::Error);
}

}  // namespace
}  // namespace snt::kernels::cross_entropy_test
