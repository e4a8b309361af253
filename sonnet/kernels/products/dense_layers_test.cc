#include "sonnet/kernels/products/dense_layers.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/function.h>

#include <limits>
#include <vector>

#include "sonnet/core/gradients.h"
#include "sonnet/kernels/products/small_product.h"
#include "sonnet/kernels/simd.h"
#include "sonnet/kernels/switches.h"
#include "sonnet/testing/expect_close.h"

namespace snt::kernels::dense_layers_test {
namespace {

using at::Tensor;
using Sizes = std::vector<int64_t>;

// By the definition. `mask` has the side of each relu, as in the fast one.
Tensor slow(const std::vector<Tensor>& all, bool relu_last) {
  Tensor y = all[0];
  for (size_t i = 1; i < all.size(); i += 2) {
    y = at::matmul(y, all[i]);
    if (all[i + 1].defined()) y = y + all[i + 1];
    if (relu_last || i + 2 < all.size()) y = y.relu();
  }
  return y;
}

// x [batch, sizes[0]], then w and b of each layer. Weights are multiples of 1/8
// and 1/4, and few: sums of their products are exact, so that no relu is on
// another side in float64.
std::vector<Tensor> arguments(const Sizes& batch, const Sizes& sizes,
                              bool with_bias, bool wants = true) {
  const auto coarse = [&](at::IntArrayRef shape, double step, int64_t most) {
    return (at::randint(-most, most + 1, shape, at::kFloat) * step)
        .requires_grad_(wants);
  };
  Sizes shape = batch;
  shape.push_back(sizes[0]);
  std::vector<Tensor> all = {coarse(shape, 0.25, 2)};
  for (size_t i = 0; i + 1 < sizes.size(); ++i) {
    all.push_back(coarse({sizes[i], sizes[i + 1]}, 0.25, 1));
    all.push_back(with_bias ? coarse({sizes[i + 1]}, 0.25, 2) : Tensor());
  }
  return all;
}

std::vector<DenseLayer> layers_of(const std::vector<Tensor>& all) {
  std::vector<DenseLayer> layers;
  for (size_t i = 1; i < all.size(); i += 2) {
    layers.push_back({all[i], all[i + 1]});
  }
  return layers;
}

Tensor fast(const std::vector<Tensor>& all, bool relu_last) {
  const auto layers = layers_of(all);
  EXPECT_TRUE(takes_dense_layers(all[0], layers));
  return dense_layers(all[0], layers, relu_last);
}

std::vector<Tensor> in_double(const std::vector<Tensor>& all) {
  std::vector<Tensor> result;
  for (const Tensor& t : all) {
    result.push_back(
        t.defined()
            ? t.detach().to(at::kDouble).requires_grad_(t.requires_grad())
            : t);
  }
  return result;
}

std::vector<Tensor> defined(const std::vector<Tensor>& all) {
  std::vector<Tensor> result;
  for (const Tensor& t : all) {
    if (t.defined() && t.requires_grad()) result.push_back(t);
  }
  return result;
}

// Closely, by the size of the largest number.
void expect_same(const Tensor& got, const Tensor& want) {
  const double size = std::max(1.0, want.abs().max().item<double>());
  expect_close(got / size, want / size, 10);
}

void expect_definition(const std::vector<Tensor>& all, bool relu_last) {
  const std::vector<Tensor> exact = in_double(all);
  const Tensor got = fast(all, relu_last), want = slow(exact, relu_last);
  expect_same(got, want);
  EXPECT_EQ(got.grad_fn()->name(), "DenseLayersBackward");
  const Tensor dy = at::randn(got.sizes());
  const auto g = gradients((got * dy).sum(), defined(all));
  const auto w = gradients((want * dy).sum(), defined(exact));
  for (size_t i = 0; i < w.size(); ++i) expect_same(g[i], w[i]);

  const c10::InferenceMode guard;
  EXPECT_TRUE(at::equal(fast(all, relu_last), got));
}

struct Case {
  Sizes batch, sizes;
};
// All tails of rows and vectors; small and large products.
const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      {{1}, {1, 1}},           {{32}, {16, 64, 64, 10}},
      {{15}, {7, 33, 1, 3}},   {{2, 3}, {5, 16, 17}},
      {{29}, {3, 48, 95, 31}}, {{3, 1, 2}, {9, 2}},
      {{70}, {130, 200, 8}},   {{1}, {64, 50, 40, 30, 20, 10}},
      {{13}, {20, 32, 96, 5}},
  };
  return all;
}

TEST(DenseLayers, AreTheDefinition) {
  for (const int threads : {1, 2}) {
    at::set_num_threads(threads);
    for (const int level : {0, 1, 2}) {
      limit_isa_level(level);
      for (const Case& c : cases()) {
        for (const bool with_bias : {false, true}) {
          for (const bool relu_last : {false, true}) {
            SCOPED_TRACE(testing::Message() << level << ": " << c.sizes[0]
                                            << " " << with_bias << relu_last);
            expect_definition(arguments(c.batch, c.sizes, with_bias),
                              relu_last);
          }
        }
      }
    }
  }
  at::set_num_threads(1);
  limit_isa_level(2);
}

// Only those that are asked for, also where others need none.
TEST(DenseLayers, GradientsOfSomeArguments) {
  for (size_t only = 0; only < 7; ++only) {
    std::vector<Tensor> all = arguments({6}, {5, 8, 7, 3}, true, false);
    all[only].requires_grad_();
    expect_definition(all, true);

    all = arguments({6}, {5, 8, 7, 3}, true);
    const auto exact = in_double(all);
    const Tensor g =
        gradients(fast(all, true).sum(), std::vector<Tensor>{all[only]})[0];
    const Tensor w =
        gradients(slow(exact, true).sum(), std::vector<Tensor>{exact[only]})[0];
    expect_same(g, w);
  }
}

TEST(DenseLayers, GradientsInAnyLayout) {
  const std::vector<Tensor> all = arguments({6}, {5, 8, 3}, true);
  const auto exact = in_double(all);
  const Tensor dy = at::randn({3, 6}).t();
  const auto g = gradients((fast(all, true) * dy).sum(), all);
  const auto w = gradients((slow(exact, true) * dy).sum(), exact);
  const auto one = gradients(fast(all, false).sum(), all);  // Expanded.
  const auto want = gradients(slow(exact, false).sum(), exact);
  for (size_t i = 0; i < w.size(); ++i) {
    expect_same(g[i], w[i]);
    expect_same(one[i], want[i]);
  }
}

TEST(DenseLayers, AreDifferentiableTwice) {
  for (const bool relu_last : {false, true}) {
    const std::vector<Tensor> all = arguments({4}, {5, 8, 3}, true);
    const auto exact = in_double(all);
    const auto second = [&](const Tensor& y,
                            const std::vector<Tensor>& leaves) {
      const auto first =
          gradients(y.square().sum(), leaves, {.create_graph = true});
      Tensor sum = at::zeros({}, y.options());
      for (const Tensor& g : first) sum = sum + g.square().sum();
      return gradients(sum, leaves);
    };
    const auto g = second(fast(all, relu_last), all);
    const auto w = second(slow(exact, relu_last), exact);
    for (size_t i = 0; i < w.size(); ++i) expect_same(g[i], w[i]);
  }
}

TEST(DenseLayers, ReluKeepsNaN) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float inf = std::numeric_limits<float>::infinity();
  for (const float odd : {nan, inf, -inf}) {
    std::vector<Tensor> all = arguments({4}, {3, 40, 5}, true, false);
    all[0][1][2] = odd;
    for (const size_t i : {1, 3}) all[i].requires_grad_();
    const Tensor got = fast(all, true), want = slow(all, true);
    EXPECT_TRUE(at::allclose(got, want, 1e-5, 1e-6, /*equal_nan=*/true));
    const auto g = gradients(got.sum(), defined(all));
    const auto w = gradients(want.sum(), defined(all));
    for (const size_t i : {0, 1}) {
      EXPECT_TRUE(at::allclose(g[i], w[i], 1e-5, 1e-6, /*equal_nan=*/true));
    }
  }
}

TEST(DenseLayers, RefuseWhatHasChangedAndASecondBackward) {
  const std::vector<Tensor> all = arguments({4}, {5, 8, 3}, true);
  for (size_t i = 0; i < all.size(); ++i) {
    const Tensor y = fast(all, true);
    gradients(y.sum(), all, {.retain_graph = true});
    all[i].detach().add_(1);
    EXPECT_THROW(gradients(y.sum(), all), c10::Error) << i;
  }
  const Tensor changed = fast(all, true);
  changed.detach().add_(1);
  EXPECT_THROW(gradients(changed.sum(), all), c10::Error);
  const Tensor y = fast(all, false);
  gradients(y.sum(), all);
  EXPECT_THROW(gradients(y.sum(), all), c10::Error);
}

TEST(DenseLayers, TakeNothingElse) {
  const Tensor x = at::ones({2, 3}), w = at::ones({3, 4}), b = at::ones({4});
  const auto takes = [](const Tensor& x, const Tensor& w, const Tensor& b) {
    return takes_dense_layers(x, DenseLayer{w, b});
  };
  EXPECT_TRUE(takes(x, w, b));
  EXPECT_TRUE(takes(x, w, {}));
  EXPECT_FALSE(takes_dense_layers(x, {}));
  EXPECT_FALSE(takes(x.to(at::kDouble), w.to(at::kDouble), b.to(at::kDouble)));
  EXPECT_FALSE(takes(x, w.to(at::kHalf), b));
  EXPECT_FALSE(takes(at::ones({0, 3}), w, b));
  EXPECT_FALSE(takes(at::ones({3}), w, b));
  EXPECT_FALSE(takes(at::ones({3, 2}).t(), w, b));
  EXPECT_FALSE(takes(x, at::ones({4, 3}).t(), b));
  EXPECT_FALSE(takes(x, at::ones({4, 4}), b));
  EXPECT_FALSE(takes(x, w, at::ones({1})));
  EXPECT_FALSE(takes(x, w, at::ones({1, 4})));
  EXPECT_FALSE(takes(at::_neg_view(x), w, b));
  switches().fast_layers = false;
  EXPECT_FALSE(takes(x, w, b));
  switches().fast_layers = true;
}

TEST(SmallProduct, Transposes) {
  for (const int64_t rows : {1, 5, 16, 33}) {
    for (const int64_t columns : {1, 7, 8, 40}) {
      const Tensor in = at::randn({rows, columns});
      const Tensor out = at::empty({columns, rows});
      transpose(rows, columns, in.data_ptr<float>(), out.data_ptr<float>());
      EXPECT_TRUE(at::equal(out, in.t()));
    }
  }
}

}  // namespace
}  // namespace snt::kernels::dense_layers_test
