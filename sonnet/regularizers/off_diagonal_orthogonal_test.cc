#include "sonnet/regularizers/off_diagonal_orthogonal.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "sonnet/core/errors.h"
#include "sonnet/core/options.h"
#include "sonnet/core/variable.h"

namespace snt::regularizers::off_diagonal_orthogonal_test {
namespace {

using testing::ThrowsMessage;

std::vector<at::Tensor> some_tensors() {
  return {at::linspace(-1.3, 2.1, 12, at::kDouble).sin().view({4, 3}),
          at::linspace(0.2, 3.7, 8, at::kDouble).cos().view({2, 4}),
          at::linspace(-2.0, 5.0, 24, at::kDouble).sin().view({2, 2, 3, 2})};
}

double slow(const at::Tensor& tensor) {
  const at::Tensor w = tensor.reshape({-1, tensor.size(-1)});
  double sum = 0;
  for (int64_t i = 0; i < w.size(1); ++i) {
    for (int64_t j = 0; j < w.size(1); ++j) {
      if (i == j) continue;
      double gram = 0;
      for (int64_t k = 0; k < w.size(0); ++k) {
        gram += w[k][i].item<double>() * w[k][j].item<double>();
      }
      sum += gram * gram;
    }
  }
  return sum;
}

TEST(OffDiagonalOrthogonalTest, AgainstALoop) {
  const std::vector<at::Tensor> tensors = some_tensors();
  double expected = 0;
  for (const at::Tensor& tensor : tensors) expected += 0.3 * slow(tensor);
  const at::Tensor loss = OffDiagonalOrthogonal{0.3}(tensors);
  EXPECT_EQ(loss.dim(), 0);
  EXPECT_EQ(loss.scalar_type(), at::kDouble);
  EXPECT_NEAR(loss.item<double>(), expected, 1e-12);
}

// The example of Sonnet's documentation: columns (0, 2, 4, 6) and (1, 3, 5, 7).
TEST(OffDiagonalOrthogonalTest, KnownValue) {
  const at::Tensor t = at::arange(8, at::kFloat).view({2, 2, 2});
  EXPECT_FLOAT_EQ(OffDiagonalOrthogonal{0.01}({t}).item<float>(),
                  0.01 * 2 * 68 * 68);
}

TEST(OffDiagonalOrthogonalTest, OrthogonalColumnsCostNothing) {
  // Not even rounding: large columns of any length.
  const at::Tensor w = 1e4 * at::diag(at::tensor({1.f, -2.f, 3.f}));
  EXPECT_EQ(OffDiagonalOrthogonal{1}({w}).item<float>(), 0);
  EXPECT_EQ(OffDiagonalOrthogonal{1}({at::full({5, 1}, 3.3)}).item<float>(), 0);
  EXPECT_EQ(OffDiagonalOrthogonal{1}({at::empty({0, 3})}).item<float>(), 0);
}

TEST(OffDiagonalOrthogonalTest, Float32) {
  const std::vector<at::Tensor> tensors = some_tensors();
  const at::Tensor loss =
      OffDiagonalOrthogonal{0.3}({tensors[0].to(at::kFloat)});
  EXPECT_EQ(loss.scalar_type(), at::kFloat);
  EXPECT_NEAR(loss.item<float>(), 0.3 * slow(tensors[0]), 1e-5);
}

TEST(OffDiagonalOrthogonalTest, NoTensors) {
  const at::Tensor loss = OffDiagonalOrthogonal{1}(std::vector<at::Tensor>());
  EXPECT_EQ(loss.dim(), 0);
  EXPECT_EQ(loss.item<float>(), 0);
}

// Central differences in float64.
TEST(OffDiagonalOrthogonalTest, Gradients) {
  const OffDiagonalOrthogonal regularizer{0.3};
  std::vector<at::Tensor> tensors = some_tensors();
  for (at::Tensor& tensor : tensors) tensor.requires_grad_(true);
  regularizer(tensors).backward();
  for (at::Tensor& tensor : tensors) {
    at::Tensor flat = tensor.detach().view({-1});
    for (int64_t i = 0; i < flat.numel(); ++i) {
      const double step = 1e-5;
      const double value = flat[i].item<double>();
      flat[i] = value + step;
      const double above = regularizer(tensors).item<double>();
      flat[i] = value - step;
      const double below = regularizer(tensors).item<double>();
      flat[i] = value;
      EXPECT_NEAR(tensor.grad().view({-1})[i].item<double>(),
                  (above - below) / (2 * step), 1e-7);
    }
  }
}

TEST(OffDiagonalOrthogonalTest, Variables) {
  const Variable w(at::tensor({1.f, 2.f, 3.f, 4.f}).view({2, 2}));
  EXPECT_FLOAT_EQ(OffDiagonalOrthogonal{0.5}({w}).item<float>(), 14 * 14);
}

TEST(OffDiagonalOrthogonalTest, Errors) {
  EXPECT_THAT([] { OffDiagonalOrthogonal{-0.1}.check(); },
              ThrowsMessage<ValueError>(
                  "[OffDiagonalOrthogonal] scale must be >=0, got -0.1"));
  EXPECT_THAT([] { OffDiagonalOrthogonal{0.1}({at::ones({3})}); },
              ThrowsMessage<ValueError>(
                  "[OffDiagonalOrthogonal] tensors must have rank >= 2, got "
                  "shape [3]"));
}

TEST(OffDiagonalOrthogonalTest, PrintsAndStores) {
  EXPECT_EQ(repr(OffDiagonalOrthogonal{0.01}), "Orthogonal(scale=0.01)");
  EXPECT_EQ(
      from_json<OffDiagonalOrthogonal>(to_json(OffDiagonalOrthogonal{0.01}))
          .scale,
      0.01);
}

}  // namespace
}  // namespace snt::regularizers::off_diagonal_orthogonal_test
