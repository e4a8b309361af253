#include "sonnet/core/gradients.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "sonnet/core/errors.h"
#include "sonnet/core/variables.h"
#include "sonnet/testing/message_of.h"

namespace snt::gradients_test {
namespace {

using at::Tensor;

struct Net {
  Variable w = Variable(at::arange(1.0, 7.0, at::kDouble).reshape({2, 3}));
  Variable b = Variable(at::arange(3.0, 6.0, at::kDouble));
  Variable unused = Variable(at::ones({2}, at::kDouble));
  Variable steps = Variable::counter();

  Tensor operator()(const Tensor& x) const {
    return at::tanh(at::matmul(x, w.value()) * 0.1 + b.value());
  }
};

struct Pair {
  Tensor left = {};
  std::vector<Tensor> rest = {};
};

const Tensor x = at::arange(8.0, at::kDouble).reshape({4, 2}) - 3.3;

// (f(v + h) - f(v - h)) / 2h for each number of a variable.
template <class F>
Tensor differences(const F& f, const Variable& variable) {
  const double h = 1e-6;
  const Tensor value = variable.value().detach().clone();
  const Tensor flat = value.flatten();
  Tensor result = at::empty_like(flat);
  for (int64_t i = 0; i < flat.numel(); ++i) {
    const auto shifted = [&](double step) {
      const Tensor other = flat.clone();
      other[i] += step;
      variable.assign(other.reshape(value.sizes()));
      return f().template item<double>();
    };
    result[i] = (shifted(h) - shifted(-h)) / (2 * h);
  }
  variable.assign(value);
  return result.reshape(value.sizes());
}

TEST(Gradients, OfNothingAreNothing) {
  const Net net;
  EXPECT_TRUE(gradients(net(x).sum(), std::vector<Variable>()).empty());
  EXPECT_TRUE(gradients(net(x).sum(), std::vector<Tensor>()).empty());
  EXPECT_TRUE(gradients(net(x).sum(), Pair()).rest.empty());
  // An empty batch has a path, and zeros as gradients.
  const auto g = gradients(net(x.slice(0, 0, 0)).sum(), {net.w, net.b});
  EXPECT_TRUE(at::equal(g[0], at::zeros({2, 3}, at::kDouble)));
  EXPECT_TRUE(at::equal(g[1], at::zeros({3}, at::kDouble)));
}

TEST(Gradients, AreThoseOfFiniteDifferences) {
  const Net net;
  const auto loss = [&] { return net(x).square().sum(); };
  const std::vector<Tensor> g = gradients(loss(), {net.w, net.b});
  ASSERT_EQ(g.size(), 2u);
  EXPECT_TRUE(at::allclose(g[0], differences(loss, net.w), 1e-6, 1e-9));
  EXPECT_TRUE(at::allclose(g[1], differences(loss, net.b), 1e-6, 1e-9));
  EXPECT_FALSE(net.w.value().grad().defined());  // Nothing accumulates.
  EXPECT_FALSE(g[0].requires_grad());
}

TEST(Gradients, OfALossOfManyNumbersAreThoseOfItsSum) {
  const Net net;
  EXPECT_TRUE(at::equal(gradients(net(x), {net.w})[0],
                        gradients(net(x).sum(), {net.w})[0]));
}

TEST(Gradients, AreUndefinedWhereThereIsNoPath) {
  const Net net;
  const auto all = variables(net);
  const std::vector<Tensor> g = gradients(net(x).sum(), all);
  ASSERT_EQ(g.size(), 4u);
  EXPECT_TRUE(g[0].defined());
  EXPECT_TRUE(g[1].defined());
  EXPECT_FALSE(g[2].defined());
  EXPECT_FALSE(g[3].defined());  // Whole numbers have none.
  for (const Tensor& none : gradients(at::ones({}), all)) {
    EXPECT_FALSE(none.defined());
  }
  for (const Tensor& none : gradients(net(x).detach().sum(), all)) {
    EXPECT_FALSE(none.defined());
  }
  // A path along which nothing changes gives zeros.
  const Tensor zero = gradients((net.unused.value() * 0).sum(), all)[2];
  EXPECT_TRUE(at::equal(zero, at::zeros({2}, at::kDouble)));
}

TEST(Gradients, OfFrozenVariablesAreUndefined) {
  const Net net;
  net.w.freeze();
  const std::vector<Tensor> g = gradients(net(x).sum(), {net.w, net.b});
  EXPECT_FALSE(g[0].defined());
  EXPECT_TRUE(g[1].defined());
  net.b.freeze();
  EXPECT_FALSE(gradients(net(x).sum(), {net.b})[0].defined());
}

TEST(Gradients, OfOneVariableAskedForTwiceComeTwice) {
  const Net net;
  const auto g = gradients(net(x).sum(), {net.b, net.w, net.b});
  ASSERT_TRUE(g[0].defined());
  ASSERT_TRUE(g[2].defined());
  EXPECT_TRUE(at::equal(g[0], g[2]));
  EXPECT_EQ(g[1].sizes(), (std::vector<int64_t>{2, 3}));
}

TEST(Gradients, NeedBuiltVariables) {
  const Net net;
  EXPECT_EQ(message_of<NotBuiltError>([&] {
              gradients(net(x).sum(), {net.w, Variable()});
            }),
            "[Variable] cannot be read before the first call: call the module "
            "once, or snt::build(module, inputs...)");
}

TEST(Gradients, WithRespectToTensorsAndTrees) {
  const Tensor a = at::full({2}, 3.0).set_requires_grad(true);
  const Tensor b = at::full({2}, 5.0).set_requires_grad(true);
  const Tensor c = 2 * a;  // Not a leaf.
  const auto loss = [&] { return (c * c * b).sum(); };
  const GradientsOptions keep{.retain_graph = true};
  EXPECT_TRUE(
      at::equal(gradients(loss(), a, keep), at::full({2}, 4 * 2 * 3.0 * 5)));
  EXPECT_TRUE(at::equal(gradients(loss(), c, keep), at::full({2}, 60.0)));
  const auto list = gradients(loss(), std::vector{b, a}, keep);
  EXPECT_TRUE(at::equal(list[0], at::full({2}, 36.0)));
  EXPECT_TRUE(at::equal(list[1], at::full({2}, 120.0)));

  const Pair tree = gradients(loss(), Pair{Tensor(), {b, a}}, keep);
  EXPECT_FALSE(tree.left.defined());
  EXPECT_TRUE(at::equal(tree.rest[0], list[0]));
  EXPECT_TRUE(at::equal(tree.rest[1], list[1]));
  EXPECT_FALSE(gradients(b.sum(), std::map<std::string, Tensor>{{"a", a}})
                   .at("a")
                   .defined());
  EXPECT_EQ(message_of([&] {
              gradients(loss(), at::ones({2, 3}));
            }),
            "[gradients] a tensor must require gradients "
            "(set_requires_grad(true)), got one of shape [2, 3] that does not");
}

TEST(Gradients, CanBeDifferentiatedAgain) {
  const Variable v(at::full({}, 2.0, at::kDouble));
  const Tensor loss = at::pow(v.value(), 4);
  const GradientsOptions create{.create_graph = true};
  const Tensor first = gradients(loss, {v}, create)[0];
  const Tensor second = gradients(first, {v}, create)[0];
  const Tensor third = gradients(second, {v})[0];
  EXPECT_DOUBLE_EQ(first.item<double>(), 4 * 8);
  EXPECT_DOUBLE_EQ(second.item<double>(), 12 * 4);
  EXPECT_DOUBLE_EQ(third.item<double>(), 24 * 2);
  EXPECT_TRUE(second.requires_grad());
  EXPECT_FALSE(third.requires_grad());
}

TEST(Gradients, ReleaseTheGraphUnlessItIsRetained) {
  const Variable v(at::full({}, 2.0));
  const Tensor loss = v.value().exp();
  const Tensor first = gradients(loss, {v}, {.retain_graph = true})[0];
  EXPECT_FALSE(first.requires_grad());
  EXPECT_TRUE(at::equal(gradients(loss, {v})[0], first));
  EXPECT_ANY_THROW(gradients(loss, {v}));
}

double norm_of(const std::vector<Tensor>& tensors) {
  double sum = 0;
  for (const Tensor& tensor : tensors) {
    if (!tensor.defined()) continue;
    const Tensor dense = tensor.to_dense().to(at::kDouble).flatten();
    for (int64_t i = 0; i < dense.numel(); ++i) {
      sum += std::pow(dense[i].item<double>(), 2);
    }
  }
  return std::sqrt(sum);
}

TEST(ClipByGlobalNorm, OfNothingIsNothing) {
  const auto none = clip_by_global_norm({}, 1.0);
  EXPECT_TRUE(none.gradients.empty());
  EXPECT_EQ(none.norm.item<double>(), 0);
  const auto undefined = clip_by_global_norm({Tensor(), Tensor()}, 1.0);
  EXPECT_EQ(undefined.gradients.size(), 2u);
  EXPECT_FALSE(undefined.gradients[1].defined());
  EXPECT_EQ(undefined.norm.item<double>(), 0);
  const auto empty = clip_by_global_norm({at::ones({0, 3})}, 1.0);
  EXPECT_EQ(empty.gradients[0].sizes(), (std::vector<int64_t>{0, 3}));
  EXPECT_EQ(empty.norm.item<double>(), 0);
  const auto zeros = clip_by_global_norm({at::zeros({2})}, 1.0);
  EXPECT_TRUE(at::equal(zeros.gradients[0], at::zeros({2})));
}

TEST(ClipByGlobalNorm, BoundsTheCommonNorm) {
  const std::vector<Tensor> g = {x, Tensor(), at::full({3}, -2.5, at::kFloat)};
  const double norm = norm_of(g);
  for (const double max_norm : {1e-3, 1.0, 0.999 * norm}) {
    const auto [clipped, before] = clip_by_global_norm(g, max_norm);
    EXPECT_NEAR(before.item<double>(), norm, 1e-6);
    EXPECT_NEAR(norm_of(clipped), max_norm, 1e-6 * max_norm);
    EXPECT_FALSE(clipped[1].defined());
    EXPECT_TRUE(at::allclose(clipped[0], x * (max_norm / norm), 1e-6));
    EXPECT_EQ(clipped[2].scalar_type(), at::kFloat);
  }
  for (const double max_norm :
       {1.001 * norm, 1e30, std::numeric_limits<double>::infinity()}) {
    const auto [clipped, before] = clip_by_global_norm(g, max_norm);
    EXPECT_TRUE(at::equal(clipped[0], g[0])) << max_norm;
    EXPECT_TRUE(at::equal(clipped[2], g[2])) << max_norm;
  }
  EXPECT_TRUE(at::equal(g[2], at::full({3}, -2.5, at::kFloat)));
}

TEST(ClipByGlobalNorm, KeepsSparseGradientsSparse) {
  const Tensor indices = at::arange(3) % 2;  // Row 0 twice.
  const Tensor rows = at::arange(1.0, 7.0, at::kDouble).reshape({3, 2});
  const Tensor sparse =
      at::sparse_coo_tensor(indices.unsqueeze(0), rows, {5, 2});
  const double norm = norm_of({sparse, x});
  const auto [clipped, before] = clip_by_global_norm({sparse, x}, norm / 2);
  EXPECT_NEAR(before.item<double>(), norm, 1e-12);
  ASSERT_TRUE(clipped[0].is_sparse());
  EXPECT_EQ(clipped[0]._nnz(), 2);
  EXPECT_TRUE(at::allclose(clipped[0].to_dense(), sparse.to_dense() / 2));
}

TEST(ClipByGlobalNorm, OfHalfTypesIsComputedInFloat) {
  for (const at::ScalarType dtype : {at::kHalf, at::kBFloat16}) {
    // The sum of squares is too large for float16.
    const std::vector<Tensor> g = {at::full({256}, 32.0, dtype)};
    const auto [clipped, norm] = clip_by_global_norm(g, 256.0);
    EXPECT_EQ(norm.scalar_type(), at::kFloat);
    EXPECT_EQ(norm.item<double>(), 512.0);
    EXPECT_TRUE(at::equal(clipped[0], at::full({256}, 16.0, dtype)));
  }
}

TEST(ClipByGlobalNorm, ShowsWhatIsNoNumber) {
  const auto [clipped, norm] =
      clip_by_global_norm({at::full({2}, std::nan("")), at::ones({2})}, 1.0);
  EXPECT_TRUE(std::isnan(norm.item<double>()));
  EXPECT_TRUE(clipped[1].isnan().all().item<bool>());  // As TensorFlow.
}

TEST(ClipByGlobalNorm, RefusesNormsThatAreNotPositive) {
  for (const double bad : {0.0, -1.0}) {
    EXPECT_EQ(message_of([&] { clip_by_global_norm({x}, bad); }),
              "[clip_by_global_norm] max_norm must be > 0, got " + format(bad));
  }
  EXPECT_THROW(clip_by_global_norm({x}, std::nan("")), ValueError);
}

}  // namespace
}  // namespace snt::gradients_test
