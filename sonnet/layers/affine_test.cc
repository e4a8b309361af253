#include "sonnet/layers/affine.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "sonnet/testing/expect_close.h"
#include "sonnet/testing/expect_gradients.h"
#include "sonnet/testing/uneven.h"

namespace snt::detail::affine_test {
namespace {

using Sizes = std::vector<int64_t>;

// x w + b, one number after the other.
at::Tensor slow_affine(const at::Tensor& x, const at::Tensor& w,
                       const at::Tensor& b) {
  const int64_t in = w.size(0);
  const int64_t out = w.size(1);
  Sizes shape = x.sizes().vec();
  shape.back() = out;
  const at::Tensor y = at::zeros(shape, at::kDouble);
  const at::Tensor rows = x.to(at::kDouble).contiguous();
  const at::Tensor weights = w.to(at::kDouble).contiguous();
  for (int64_t i = 0; i < y.numel(); ++i) {
    const int64_t row = i / out;
    double sum = b.defined() ? b[i % out].item<double>() : 0;
    for (int64_t k = 0; k < in; ++k) {
      sum += rows.data_ptr<double>()[row * in + k] *
             weights.data_ptr<double>()[k * out + i % out];
    }
    y.data_ptr<double>()[i] = sum;
  }
  return y;
}

const std::vector<Sizes> kShapes = {
    {0, 3}, {2, 0, 3},       {0, 2, 3}, {2, 0},    {2, 3, 0}, {1, 1},
    {4, 3}, {1, 2, 3, 2, 4}, {2, 3, 4}, {2, 1, 3}, {5, 1},    {2, 3, 2, 5}};

TEST(AffineTest, AgainstALoop) {
  for (const Sizes& shape : kShapes) {
    for (int64_t out : {0, 1, 3}) {
      const at::Tensor x = uneven(shape);
      const at::Tensor w = uneven({shape.back(), out}, at::kDouble, 1);
      const at::Tensor b = uneven({out}, at::kDouble, 2);
      expect_close(affine(x, w, b), slow_affine(x, w, b));
      expect_close(affine(x, w, {}), slow_affine(x, w, {}));
    }
  }
}

TEST(AffineTest, Dtypes) {
  for (at::ScalarType dtype : {at::kFloat, at::kDouble, at::kHalf,
                               at::kBFloat16, at::kInt, at::kLong}) {
    const double size = at::isFloatingType(dtype) ? 1 : 9;
    for (const Sizes& shape : {Sizes{4, 3}, Sizes{2, 5, 3}}) {
      const at::Tensor x = (size * uneven(shape)).to(dtype);
      const at::Tensor w = (size * uneven({3, 2}, at::kDouble, 1)).to(dtype);
      const at::Tensor b = (size * uneven({2}, at::kDouble, 2)).to(dtype);
      expect_close(affine(x, w, b), slow_affine(x, w, b), dtype);
      expect_close(affine(x, w, {}), slow_affine(x, w, {}), dtype);
    }
  }
}

// Half types are added up in float32: 2048 + 1 is 2048 in float16.
TEST(AffineTest, HalfTypesAddUpInFloat32) {
  for (at::ScalarType dtype : {at::kHalf, at::kBFloat16}) {
    const at::Tensor x = at::ones({1, 3000}, dtype);
    const at::Tensor w = at::ones({3000, 1}, dtype);
    EXPECT_EQ(affine(x, w, {}).item<double>(),
              at::scalar_tensor(3000.).to(dtype).item<double>());
  }
}

TEST(AffineTest, AnyStrides) {
  const at::Tensor x = uneven({4, 3, 2}).permute({2, 1, 0});  // [2, 3, 4]
  const at::Tensor w = uneven({5, 4}, at::kDouble, 1).t();
  const at::Tensor b = uneven({10}, at::kDouble, 2).slice(0, 0, 10, 2);
  expect_close(affine(x, w, b), slow_affine(x, w, b));
  expect_close(affine(x[0], w, b), slow_affine(x[0], w, b));
}

TEST(AffineTest, Gradients) {
  for (const Sizes& shape : {Sizes{2, 3}, Sizes{2, 2, 3}, Sizes{1, 2, 1, 3}}) {
    const at::Tensor x = uneven(shape).requires_grad_();
    const at::Tensor w = uneven({3, 2}, at::kDouble, 1).requires_grad_();
    const at::Tensor b = uneven({2}, at::kDouble, 2).requires_grad_();
    expect_gradients([&] { return affine(x, w, b); }, {x, w, b});
    expect_gradients([&] { return affine(x, w, {}); }, {x, w});
  }
}

TEST(AffineTest, GradientsOfHalfTypesHaveTheirDtype) {
  const at::Tensor x = uneven({2, 3}, at::kHalf).requires_grad_();
  const at::Tensor w = uneven({3, 2}, at::kHalf, 1).requires_grad_();
  const at::Tensor b = uneven({2}, at::kHalf, 2).requires_grad_();
  const std::vector<at::Tensor> gradients =
      snt::gradients(affine(x, w, b).sum(), {x, w, b});
  expect_close(gradients[0], w.sum(1).expand({2, 3}), at::kHalf);
  expect_close(gradients[1], x.sum(0).view({3, 1}).expand({3, 2}), at::kHalf);
  expect_close(gradients[2], at::full({2}, 2.), at::kHalf);
}

TEST(BatchedAffineTest, IsAsManyProducts) {
  for (at::ScalarType dtype : {at::kFloat, at::kDouble, at::kHalf,
                               at::kBFloat16, at::kInt, at::kLong}) {
    const double size = at::isFloatingType(dtype) ? 1 : 9;
    for (const Sizes& shape : {Sizes{0, 2, 3}, Sizes{2, 0, 3}, Sizes{2, 4, 0},
                               Sizes{1, 1, 1}, Sizes{4, 2, 3}}) {
      const int64_t n = shape[0];
      const at::Tensor x = (size * uneven(shape)).to(dtype);
      const at::Tensor w =
          (size * uneven({n, shape[2], 2}, at::kDouble, 1)).to(dtype);
      const at::Tensor b = (size * uneven({n, 1, 2}, at::kDouble, 2)).to(dtype);
      const at::Tensor y = batched_affine(x, w, b);
      ASSERT_EQ(y.sizes(), at::IntArrayRef({n, shape[1], 2}));
      for (int64_t i = 0; i < n; ++i) {
        expect_close(y[i], slow_affine(x[i], w[i], b[i][0]), dtype);
        expect_close(batched_affine(x, w, {})[i], slow_affine(x[i], w[i], {}),
                     dtype);
      }
    }
  }
}

}  // namespace
}  // namespace snt::detail::affine_test
