#include "sonnet/regularizers/l1_l2.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "sonnet/core/errors.h"
#include "sonnet/core/options.h"
#include "sonnet/core/variable.h"

namespace snt::regularizers::l1_l2_test {
namespace {

using testing::ThrowsMessage;

// Different shapes, signs and sizes, away from the kink of |t|.
std::vector<at::Tensor> some_tensors(at::ScalarType dtype = at::kDouble) {
  return {at::tensor({0.3, -1.25, 2.0, -0.5, 0.75, -3.0}, at::kDouble)
              .view({2, 3})
              .to(dtype),
          at::tensor(-0.7, at::kDouble).to(dtype),
          at::tensor({1.5, 0.25}, at::kDouble).to(dtype),
          at::empty({0, 4}, dtype)};
}

template <class Term>
double slow_sum(const std::vector<at::Tensor>& tensors, const Term& term) {
  double sum = 0;
  for (const at::Tensor& tensor : tensors) {
    const at::Tensor flat = tensor.to(at::kDouble).flatten();
    for (int64_t i = 0; i < flat.numel(); ++i) {
      sum += term(flat[i].item<double>());
    }
  }
  return sum;
}

TEST(L1L2Test, AgainstALoop) {
  for (at::ScalarType dtype : {at::kDouble, at::kFloat}) {
    const std::vector<at::Tensor> tensors = some_tensors(dtype);
    const at::Tensor l1 = L1{0.3}(tensors);
    const at::Tensor l2 = L2{0.3}(tensors);
    EXPECT_EQ(l1.dim(), 0);
    EXPECT_EQ(l2.dim(), 0);
    EXPECT_EQ(l1.scalar_type(), dtype);
    EXPECT_EQ(l2.scalar_type(), dtype);
    EXPECT_NEAR(l1.item<double>(),
                0.3 * slow_sum(tensors, [](double t) { return std::abs(t); }),
                1e-6);
    EXPECT_NEAR(l2.item<double>(),
                0.3 * slow_sum(tensors, [](double t) { return t * t; }), 1e-5);
  }
}

TEST(L1L2Test, KnownValues) {
  EXPECT_FLOAT_EQ(L1{0.5}({at::tensor({1.f, -3.f})}).item<float>(), 2);
  EXPECT_FLOAT_EQ(L2{0.5}({at::tensor({1.f, -3.f})}).item<float>(), 5);
  EXPECT_FLOAT_EQ(L2{0}({at::tensor({1.f, -3.f})}).item<float>(), 0);
}

TEST(L1L2Test, HalfTypesKeepTheirDtype) {
  for (at::ScalarType dtype : {at::kHalf, at::kBFloat16}) {
    EXPECT_EQ(L1{0.5}({at::ones({3}, dtype)}).scalar_type(), dtype);
    EXPECT_EQ(L2{0.5}({at::ones({3}, dtype)}).item<float>(), 1.5);
  }
}

TEST(L1L2Test, NoTensors) {
  const std::vector<at::Tensor> none;
  const std::vector<Variable> no_variables;
  for (const at::Tensor& loss :
       {L1{0.5}(none), L2{0.5}(none), L1{0.5}(no_variables)}) {
    EXPECT_EQ(loss.dim(), 0);
    EXPECT_EQ(loss.scalar_type(), at::kFloat);
    EXPECT_EQ(loss.item<float>(), 0);
  }
}

// Central differences in float64.
template <class R>
void expect_gradients(const R& regularizer) {
  std::vector<at::Tensor> tensors = some_tensors();
  tensors.pop_back();
  for (at::Tensor& tensor : tensors) tensor.requires_grad_(true);
  (regularizer(tensors) * 2).backward();
  for (at::Tensor& tensor : tensors) {
    at::Tensor flat = tensor.detach().view({-1});
    for (int64_t i = 0; i < flat.numel(); ++i) {
      const double step = 1e-6;
      const double value = flat[i].template item<double>();
      flat[i] = value + step;
      const double above = regularizer(tensors).template item<double>();
      flat[i] = value - step;
      const double below = regularizer(tensors).template item<double>();
      flat[i] = value;
      EXPECT_NEAR(tensor.grad().view({-1})[i].template item<double>(),
                  2 * (above - below) / (2 * step), 1e-8);
    }
  }
}

TEST(L1L2Test, Gradients) {
  expect_gradients(L1{0.3});
  expect_gradients(L2{0.3});
}

TEST(L1L2Test, GradientOfL1AtZeroIsZero) {
  at::Tensor t = at::zeros({2}).requires_grad_(true);
  L1{0.3}({t}).backward();
  EXPECT_TRUE(at::equal(t.grad(), at::zeros({2})));
}

TEST(L1L2Test, Variables) {
  const Variable w(at::tensor({1.f, -2.f}));
  const Variable b(at::tensor({3.f}));
  const at::Tensor loss = L2{0.5}({w, b});
  EXPECT_FLOAT_EQ(loss.item<float>(), 7);
  EXPECT_FLOAT_EQ(L1{0.5}({w, b}).item<float>(), 3);
  loss.backward();
  EXPECT_TRUE(at::equal(w.value().grad(), at::tensor({1.f, -2.f})));
  EXPECT_TRUE(at::equal(b.value().grad(), at::tensor({3.f})));
  EXPECT_THROW(L2{0.5}({Variable()}), NotBuiltError);
}

// Laws: L1 is linear and L2 quadratic in the size of the tensors.
TEST(L1L2Test, Homogeneous) {
  std::vector<at::Tensor> tensors = some_tensors();
  const double l1 = L1{0.3}(tensors).item<double>();
  const double l2 = L2{0.3}(tensors).item<double>();
  for (at::Tensor& tensor : tensors) tensor = tensor * -3;
  EXPECT_NEAR(L1{0.3}(tensors).item<double>(), 3 * l1, 1e-12);
  EXPECT_NEAR(L2{0.3}(tensors).item<double>(), 9 * l2, 1e-12);
}

TEST(L1L2Test, Errors) {
  EXPECT_THAT([] { L1{-0.1}.check(); },
              ThrowsMessage<ValueError>("[L1] scale must be >=0, got -0.1"));
  EXPECT_THAT([] { L1{-0.1}({at::ones({2})}); },
              ThrowsMessage<ValueError>("[L1] scale must be >=0, got -0.1"));
  EXPECT_THAT([] { L2{std::nan("")}({at::ones({2})}); },
              ThrowsMessage<ValueError>("[L2] scale must be >=0, got nan"));
}

TEST(L1L2Test, PrintsAndStores) {
  EXPECT_EQ(repr(L1{0.01}), "L1(scale=0.01)");
  EXPECT_EQ(repr(L2{0.01}), "L2(scale=0.01)");
  EXPECT_EQ(to_json(L2{1}), R"({"scale":1.0})");
  EXPECT_EQ(from_json<L1>(to_json(L1{0.01})).scale, 0.01);
  EXPECT_THROW(from_json<L2>(R"({"scale": -1})"), ValueError);
  EXPECT_THROW(from_json<L2>("{}"), ValueError);
}

}  // namespace
}  // namespace snt::regularizers::l1_l2_test
