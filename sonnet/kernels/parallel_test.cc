#include "sonnet/kernels/parallel.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <vector>

namespace snt::kernels::parallel_test {
namespace {

struct Parallel : testing::TestWithParam<int> {
  Parallel() { at::set_num_threads(GetParam()); }
  ~Parallel() override { at::set_num_threads(before); }
  const int before = at::get_num_threads();
};

TEST_P(Parallel, CallsEachOnce) {
  for (const int64_t count : {0, 1, 2, 7, 1000}) {
    std::vector<std::atomic<int>> calls(static_cast<size_t>(count));
    parallel_for_each(count, [&](int64_t i) { ++calls[size_t(i)]; });
    for (const auto& n : calls) EXPECT_EQ(n, 1);
  }
}

TEST_P(Parallel, StaysOnOneThreadInsideOfAnother) {
  std::atomic<int> calls{0};
  parallel_for_each(4, [&](int64_t) {
    const int thread = at::get_thread_num();
    parallel_for_each(3, [&](int64_t) {
      EXPECT_EQ(at::get_thread_num(), thread);
      ++calls;
    });
  });
  EXPECT_EQ(calls, 12);
}

TEST_P(Parallel, PassesExceptionsOn) {
  const auto fail = [](int64_t i) {
    if (i == 5) throw std::runtime_error("five");
  };
  EXPECT_THROW(parallel_for_each(9, fail), std::runtime_error);
}

INSTANTIATE_TEST_SUITE_P(Each, Parallel, testing::Values(1, 3));

}  // namespace
}  // namespace snt::kernels::parallel_test
