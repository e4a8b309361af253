#include "sonnet/nets/pooling.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

#include "sonnet/testing/expect_close.h"
#include "sonnet/testing/expect_gradients.h"
#include "sonnet/testing/uneven.h"

namespace snt::nets::detail::pooling_test {
namespace {

// Where the windows of TensorFlow's "SAME" begin: windows of 3, two apart, need
// 2 (out - 1) + 3 entries, and half of what is missing comes first.
int64_t zeros_before(int64_t size) {
  const int64_t out = (size + 1) / 2;
  return std::max<int64_t>(2 * (out - 1) + 3 - size, 0) / 2;
}

at::Tensor slow_max_pool(const at::Tensor& x) {
  const int64_t height = x.size(1), width = x.size(2);
  const at::Tensor y =
      at::full({x.size(0), (height + 1) / 2, (width + 1) / 2, x.size(3)},
               -std::numeric_limits<double>::infinity(), at::kDouble);
  for (int64_t i = 0; i < y.size(1); ++i) {
    for (int64_t j = 0; j < y.size(2); ++j) {
      for (int64_t k = 0; k < 9; ++k) {
        const int64_t row = 2 * i + k / 3 - zeros_before(height);
        const int64_t column = 2 * j + k % 3 - zeros_before(width);
        if (row < 0 || row >= height || column < 0 || column >= width) continue;
        const at::Tensor here = y.select(1, i).select(1, j);
        here.copy_(at::maximum(
            here, x.select(1, row).select(1, column).to(at::kDouble)));
      }
    }
  }
  return y;
}

// All below 0, so that a zero beside the image would be the largest.
TEST(PoolingTest, MaxAgainstALoop) {
  for (int64_t height : {1, 2, 3, 4, 7, 8}) {
    for (int64_t width : {1, 2, 5, 6}) {
      const at::Tensor x = uneven({2, height, width, 3}) - 2;
      expect_close(max_pool_3x3(x), slow_max_pool(x));
    }
  }
  EXPECT_EQ(max_pool_3x3(at::ones({0, 4, 5, 3})).sizes(),
            at::IntArrayRef({0, 2, 3, 3}));
}

TEST(PoolingTest, Dtypes) {
  for (at::ScalarType dtype :
       {at::kFloat, at::kDouble, at::kHalf, at::kBFloat16}) {
    const at::Tensor x = uneven({2, 4, 5, 3}, dtype);
    expect_close(max_pool_3x3(x), slow_max_pool(x), dtype);
    const at::Tensor wide = x.to(at::kDouble);
    expect_close(mean_pool(x), wide.sum(1).sum(1) / 20, dtype);
    expect_close(mean_pool(x, 2), wide.sum(2).sum(2) / 15, dtype);
  }
}

TEST(PoolingTest, Gradients) {
  const at::Tensor x = uneven({2, 4, 5, 3}).requires_grad_();
  expect_gradients([&] { return max_pool_3x3(x); }, {x});
  expect_gradients([&] { return mean_pool(x, 2); }, {x});
}

// No copy into another layout: channels stay the fastest in memory.
TEST(PoolingTest, KeepsChannelsLast) {
  const at::Tensor y = max_pool_3x3(uneven({2, 6, 5, 3}, at::kFloat));
  EXPECT_TRUE(y.is_contiguous());
}

}  // namespace
}  // namespace snt::nets::detail::pooling_test
