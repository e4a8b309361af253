#include "sonnet/kernels/products/gemm.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <limits>
#include <vector>

#include "sonnet/testing/expect_close.h"

namespace snt::kernels::gemm_test {
namespace {

using at::Tensor;

class Threads {
 public:
  explicit Threads(int threads) { at::set_num_threads(threads); }
  ~Threads() { at::set_num_threads(before_); }

 private:
  int before_ = at::get_num_threads();
};

// [batches, rows, columns] in memory with gaps between rows, or columns.
Tensor matrices(int64_t batches, int64_t rows, int64_t columns,
                bool transposed) {
  return transposed ? at::randn({batches, columns, rows + 3})
                          .slice(/*dim=*/2, 2, rows + 2)
                          .transpose(1, 2)
                    : at::randn({batches, rows, columns + 3})
                          .slice(/*dim=*/2, 1, columns + 1);
}

GemmOperand operand(const Tensor& t, bool transposed) {
  return {.data = t.data_ptr<float>(),
          .stride = t.stride(transposed ? 2 : 1),
          .batch_stride = t.stride(0),
          .transposed = transposed};
}

Gemm product(const Tensor& a, bool a_transposed, const Tensor& b,
             bool b_transposed, const Tensor& out) {
  return {.batches = a.size(0),
          .m = a.size(1),
          .n = b.size(2),
          .k = a.size(2),
          .a = operand(a, a_transposed),
          .b = operand(b, b_transposed),
          .out = out.data_ptr<float>(),
          .out_stride = out.stride(1),
          .out_batch_stride = out.stride(0)};
}

TEST(Gemm, IsTheProductForAllSizesStridesAndNumbersOfThreads) {
  constexpr std::array<std::array<int64_t, 4>, 10> kSizes = {{{1, 1, 1, 1},
                                                              {1, 1, 7, 5},
                                                              {1, 9, 1, 4},
                                                              {1, 6, 11, 1},
                                                              {1, 33, 50, 17},
                                                              {1, 130, 70, 90},
                                                              {1, 257, 129, 65},
                                                              {3, 40, 90, 100},
                                                              {8, 64, 64, 66},
                                                              {1, 3, 5, 5000}}};
  for (const int threads : {1, 2, 7}) {
    const Threads guard(threads);
    for (const auto& [batches, m, n, k] : kSizes) {
      for (const bool ta : {false, true}) {
        for (const bool tb : {false, true}) {
          SCOPED_TRACE(at::str(batches, " ", m, " ", n, " ", k, " ", ta, tb));
          const Tensor a = matrices(batches, m, k, ta);
          const Tensor b = matrices(batches, k, n, tb);
          const Tensor all = at::full({batches, m, n + 2}, 5, at::kFloat);
          const Tensor out = all.slice(2, 1, n + 1);
          gemm(product(a, ta, b, tb, out));
          const Tensor want = at::bmm(a.to(at::kDouble), b.to(at::kDouble));
          // Rounding is relative to the terms of a sum, not to the sum.
          const Tensor terms =
              at::bmm(a.abs().to(at::kDouble), b.abs().to(at::kDouble));
          expect_close(out / terms, want / terms, at::kDouble, 1e8);
          EXPECT_TRUE(
              at::equal(all.select(2, 0), at::full({batches, m}, 5.0F)));
          EXPECT_TRUE(
              at::equal(all.select(2, n + 1), at::full({batches, m}, 5.0F)));
        }
      }
    }
  }
}

TEST(Gemm, AddsWhateverBroadcasts) {
  const Threads guard(2);
  constexpr int64_t kM = 130, kN = 90, kK = 64;
  const Tensor a = at::randn({2, kM, kK});
  const Tensor b = at::randn({2, kK, kN});
  const Tensor product_in_double =
      at::bmm(a.to(at::kDouble), b.to(at::kDouble));
  const std::vector<Tensor> addends = {
      at::randn({2, kM, kN}), at::randn({kN}).expand({2, kM, kN}),
      at::randn({kM, 1}).expand({2, kM, kN}), at::randn({}).expand({2, kM, kN}),
      at::randn({2, kN, kM}).transpose(1, 2)};
  for (const Tensor& addend : addends) {
    for (const float beta : {1.0F, -0.5F, 0.0F}) {
      SCOPED_TRACE(at::str(addend.strides(), " ", beta));
      const Tensor out =
          at::full({2, kM, kN}, std::numeric_limits<float>::quiet_NaN());
      Gemm g = product(a, false, b, false, out);
      g.alpha = 1.5F;
      g.beta = beta;
      g.addend = {addend.data_ptr<float>(), addend.stride(0), addend.stride(1),
                  addend.stride(2)};
      gemm(g);
      expect_close(out, 1.5 * product_in_double + beta * addend.to(at::kDouble),
                   /*factor=*/10);
    }
  }
}

TEST(Gemm, AddsToItsOutput) {
  const Tensor a = at::randn({1, 30, 20});
  const Tensor b = at::randn({1, 20, 40});
  const Tensor out = at::randn({1, 30, 40});
  const Tensor want = at::baddbmm(out.to(at::kDouble), a.to(at::kDouble),
                                  b.to(at::kDouble), /*beta=*/3);
  Gemm g = product(a, false, b, false, out);
  g.beta = 3;
  g.addend = {g.out, out.stride(0), out.stride(1), out.stride(2)};
  gemm(g);
  expect_close(out, want, /*factor=*/10);
}

TEST(Gemm, ComesOutTheSameEachTime) {
  const Threads guard(3);
  const Tensor a = at::randn({1, 300, 200});
  const Tensor b = at::randn({1, 200, 400});
  const Tensor first = at::empty({1, 300, 400});
  gemm(product(a, false, b, false, first));
  for (int i = 0; i < 10; ++i) {
    const Tensor again = at::empty({1, 300, 400});
    gemm(product(a, false, b, false, again));
    ASSERT_TRUE(at::equal(first, again));
  }
}

}  // namespace
}  // namespace snt::kernels::gemm_test
