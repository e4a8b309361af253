#include "sonnet/kernels/rows/nearest.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <thread>
#include <vector>

#include "sonnet/kernels/simd.h"
#include "sonnet/testing/expect_close.h"

namespace snt::kernels::nearest_test {
namespace {

using at::Tensor;

// Sizes [N, D, K]: full and broken vectors, tiles and panels, several parts.
struct Sizes {
  int64_t n, d, k;
};
const std::vector<Sizes>& sizes() {
  static const std::vector<Sizes> all = {
      {1, 1, 1},    {1, 3, 4},    {13, 16, 31},   {14, 17, 32},   {15, 5, 33},
      {100, 1, 70}, {70, 64, 65}, {300, 40, 129}, {6, 200, 3000},
  };
  return all;
}

void expect_definition(const Tensor& x, const Tensor& table) {
  const Nearest got = find_nearest(x, table);
  const Tensor exact =
      (x.to(at::kDouble).unsqueeze(2) - table.to(at::kDouble)).square().sum(1);
  const double d = static_cast<double>(x.size(1));
  expect_close(got.distances / d, exact / d, 10);
  // Exactly by the distances as they are.
  EXPECT_TRUE(at::equal(got.indices, got.distances.argmin(1)));
  EXPECT_TRUE(at::equal(
      got.encodings,
      at::zeros_like(got.distances).scatter_(1, got.indices.unsqueeze(1), 1)));
  EXPECT_TRUE(at::equal(got.embeddings, table.t()));
  const Tensor step = table.t().index_select(0, got.indices) - x;
  EXPECT_TRUE(at::equal(got.quantized, x + step));
  const double error = step.to(at::kDouble).square().sum().item<double>();
  EXPECT_NEAR(got.error / (error + 1e-30), 1, 1e-5);
  EXPECT_TRUE(got.is_finite);
}

TEST(FindNearest, IsTheDefinition) {
  for (const Sizes& s : sizes()) {
    SCOPED_TRACE(testing::Message() << s.n << " " << s.d << " " << s.k);
    expect_definition(at::randn({s.n, s.d}), at::randn({s.d, s.k}));
    expect_definition(at::randn({s.n, s.d}), at::randn({s.k, s.d}).t());
  }
}

TEST(FindNearest, IsTheDefinitionOnEveryProcessor) {
  for (const int level : {0, 1}) {
    limit_isa_level(level);
    for (const Sizes& s : sizes()) {
      expect_definition(at::randn({s.n, s.d}), at::randn({s.d, s.k}));
    }
  }
  limit_isa_level(2);
}

TEST(FindNearest, TakesTheFirstOfEquals) {
  for (const int64_t k : {1, 2, 16, 17, 40, 100}) {
    // All columns are alike, then each number twice, far apart.
    const Tensor same = at::ones({3, k});
    EXPECT_EQ(find_nearest(at::randn({20, 3}), same).indices.max().item<int>(),
              0);
    const Tensor twice = at::randn({3, k}).repeat({1, 2});
    EXPECT_LT(find_nearest(at::randn({50, 3}), twice).indices.max().item<int>(),
              k);
  }
}

// As libtorch has them, a NaN is less than any number.
TEST(FindNearest, KeepsNaNAndInfinity) {
  constexpr float inf = std::numeric_limits<float>::infinity();
  const float nan = std::nanf("");
  for (const int64_t k : {1, 5, 33}) {
    for (const float strange : {nan, inf, -inf, 3e38F, 1e-40F}) {
      for (const bool in_table : {false, true}) {
        const Tensor x = at::randn({30, 7});
        const Tensor table = at::randn({7, k});
        if (in_table) {
          table[2][k - 1] = strange;
        } else {
          x[3][2] = strange;
          x[29][6] = strange;
        }
        const Nearest got = find_nearest(x, table);
        const Tensor want = (x * x).sum(1, true) - 2 * at::mm(x, table) +
                            (table * table).sum(0, true);
        EXPECT_TRUE(at::allclose(got.distances, want, 1e-5, 1e-5,
                                 /*equal_nan=*/true));
        EXPECT_TRUE(at::equal(got.indices, got.distances.argmin(1)));
        EXPECT_EQ(got.is_finite, in_table || strange == 1e-40F);
        const Tensor e = table.t().index_select(0, got.indices);
        EXPECT_TRUE(at::allclose(got.quantized, x + (e - x), 0, 0, true));
      }
    }
  }
}

TEST(FindNearest, ThreadsGiveTheSameBits) {
  const Tensor x = at::randn({1000, 33}), table = at::randn({33, 200});
  const int before = at::get_num_threads();
  at::set_num_threads(1);
  const Nearest want = find_nearest(x, table);
  at::set_num_threads(3);
  const auto expect_same = [&] {
    const Nearest got = find_nearest(x, table);
    EXPECT_TRUE(at::equal(got.distances, want.distances));
    EXPECT_TRUE(at::equal(got.indices, want.indices));
    EXPECT_EQ(got.error, want.error);
    const Choosers who = choosers(got.indices, 200);
    EXPECT_TRUE(
        at::equal(sum_rows(x, Tensor(), who), sum_rows(x, Tensor(), who)));
  };
  expect_same();
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) threads.emplace_back(expect_same);
  for (std::thread& thread : threads) thread.join();
  at::set_num_threads(before);
}

TEST(SumRows, AreThoseOfEachColumn) {
  for (const Sizes& s : sizes()) {
    const Tensor x = at::randn({s.n, s.d});
    const Tensor indices = at::randint(s.k, {s.n}, at::kLong);
    const Tensor shifts = at::randn({s.k, s.d});
    const Choosers who = choosers(indices, s.k);
    EXPECT_EQ(who.starts.back(), s.n);
    Tensor sums = at::zeros({s.k, s.d}, at::kDouble);
    sums.index_add_(0, indices, x.to(at::kDouble));
    expect_close(sum_rows(x, Tensor(), who), sums, 10);
    sums.index_add_(0, indices,
                    -shifts.index_select(0, indices).to(at::kDouble));
    expect_close(sum_rows(x, shifts, who), sums, 20);
  }
}

// One by one, 300000 additions would lose up to 2e-2; in sums of 128 it is what
// 128 and 2344 additions may lose.
TEST(SumRows, LoseLittleInLongSums) {
  const Tensor x = at::full({300000, 2}, 0.1F);
  const Choosers who = choosers(at::zeros({300000}, at::kLong), 1);
  const double sum = sum_rows(x, Tensor(), who)[0][1].item<double>();
  EXPECT_NEAR(sum / (300000 * 0.1F), 1, (128 + 2344) * std::exp2(-24));
}

TEST(Pull, IsTheFormula) {
  for (const Sizes& s : sizes()) {
    const Tensor x = at::randn({s.n, s.d}), d = at::randn({s.n, s.d});
    const Tensor e = at::randn({s.k, s.d});
    const Tensor indices = at::randint(s.k, {s.n}, at::kLong);
    const Tensor pulled = 0.25 * (x - e.index_select(0, indices));
    expect_close(pull(Tensor(), x, e, indices, 0.25F), pulled);
    expect_close(pull(d, x, e, indices, 0.25F), d + pulled, 4);
  }
}

}  // namespace
}  // namespace snt::kernels::nearest_test
