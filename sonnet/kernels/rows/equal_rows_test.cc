#include "sonnet/kernels/rows/equal_rows.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <thread>
#include <vector>

#include "sonnet/testing/expect_close.h"

namespace snt::kernels::equal_rows_test {
namespace {

using at::Tensor;

// [limit, columns], each row where it belongs.
Tensor dense(const DistinctRows& rows, int64_t limit, int64_t columns) {
  const Tensor result = at::zeros({limit, columns});
  for (size_t i = 0; i < rows.numbers.size(); ++i) {
    for (int64_t c = 0; c < columns; ++c) {
      result[rows.numbers[i]][c] = rows.sums[i][c];
    }
  }
  return result;
}

TEST(EqualRows, AreSummed) {
  for (const int64_t limit : {1, 2, 30, 1000}) {
    for (const int64_t n : {1, 2, 17, 100}) {
      for (const int64_t columns : {1, 5, 16}) {
        const Tensor numbers = at::randint(limit, {n}, at::kLong);
        const Tensor rows = at::randn({n, columns});
        const auto got = sum_equal_rows(numbers, rows, limit, false);
        ASSERT_TRUE(got);
        const std::set<int64_t> distinct(got->numbers.begin(),
                                         got->numbers.end());
        EXPECT_EQ(distinct.size(), got->numbers.size());
        EXPECT_EQ(got->sums.size(), got->numbers.size());
        EXPECT_EQ(got->numbers[0], numbers[0].item<int64_t>());
        const Tensor want = at::zeros({limit, columns}, at::kDouble)
                                .index_add_(0, numbers, rows.to(at::kDouble));
        expect_close(dense(*got, limit, columns), want, 10);
      }
    }
  }
}

TEST(EqualRows, SingleOnesAreNotCopied) {
  const Tensor rows = at::randn({3, 2});
  const auto got =
      sum_equal_rows(at::tensor({7, 2, 5}, at::kLong), rows, 8, false);
  EXPECT_EQ(got->numbers, (std::vector<int64_t>{7, 2, 5}));
  EXPECT_EQ(got->sums[2], rows.data_ptr<float>() + 4);
  const auto same =
      sum_equal_rows(at::tensor({2, 5, 7}, at::kLong), rows, 8, true);
  EXPECT_EQ(same->numbers, (std::vector<int64_t>{2, 5, 7}));
  EXPECT_EQ(same->sums[1], rows.data_ptr<float>() + 2);
}

TEST(EqualRows, OutsideOfTheLimitIsNothing) {
  const Tensor rows = at::ones({2, 1});
  for (const bool distinct : {false, true}) {
    for (const int64_t bad : {-1, 3, 100}) {
      EXPECT_FALSE(
          sum_equal_rows(at::full({2}, bad, at::kLong), rows, 3, distinct));
    }
    EXPECT_TRUE(
        sum_equal_rows(at::tensor({0, 2}, at::kLong), rows, 3, distinct));
    const auto none = sum_equal_rows(at::empty({0}, at::kLong),
                                     at::empty({0, 4}), 3, distinct);
    EXPECT_TRUE(none && none->numbers.empty());
  }
}

// Numbers whose hashes are near each other.
TEST(EqualRows, TakeNumbersOfAnySize) {
  std::vector<int64_t> numbers;
  for (int64_t i = 0; i < 200; ++i) {
    numbers.push_back((i % 100) << 40);
    numbers.push_back(i);
  }
  const Tensor rows = at::ones({400, 1});
  const auto got = sum_equal_rows(at::tensor(numbers, at::kLong), rows,
                                  int64_t{1} << 50, false);
  EXPECT_EQ(got->numbers.size(), 299u);  // 0 is in both.
  float total = 0;
  for (const float* sum : got->sums) total += *sum;
  EXPECT_EQ(total, 400);
}

TEST(EqualRows, ThreadsGiveTheSameBits) {
  const Tensor numbers = at::randint(50, {5000}, at::kLong);
  const Tensor rows = at::randn({5000, 40});
  const int before = at::get_num_threads();
  at::set_num_threads(1);
  const Tensor want = dense(*sum_equal_rows(numbers, rows, 50, false), 50, 40);
  at::set_num_threads(3);
  const auto expect_same = [&] {
    EXPECT_TRUE(at::equal(
        dense(*sum_equal_rows(numbers, rows, 50, false), 50, 40), want));
  };
  expect_same();
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) threads.emplace_back(expect_same);
  for (std::thread& thread : threads) thread.join();
  at::set_num_threads(before);
}

}  // namespace
}  // namespace snt::kernels::equal_rows_test
