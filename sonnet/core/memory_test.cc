#include "sonnet/core/memory.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include "sonnet/core/initialize.h"
#include "sonnet/kernels/memory/caching_allocator.h"

namespace snt::memory_test {
namespace {

#ifdef __SANITIZE_ADDRESS__
// There is no cache then: the sanitizer has to see every allocation.
TEST(Memory, NothingIsCounted) {
  ASSERT_TRUE(kernels::is_under_address_sanitizer());
  initialize({.threads = at::get_num_threads()});
  const at::Tensor x = at::ones({1000, 1000});
  empty_cache();
  const MemoryStatistics now = memory_statistics();
  EXPECT_EQ(now.bytes_in_use, 0);
  EXPECT_EQ(now.peak_bytes_in_use, 0);
  EXPECT_EQ(now.bytes_cached, 0);
  EXPECT_EQ(now.hits + now.misses, 0);
}
#else
TEST(Memory, Statistics) {
  ASSERT_FALSE(kernels::is_under_address_sanitizer());
  initialize({.threads = at::get_num_threads()});
  empty_cache();
  const MemoryStatistics before = memory_statistics();
  EXPECT_EQ(before.bytes_cached, 0);

  // 4 and 8 MB come in blocks of 4 and 8 MiB; smaller ones are not counted.
  at::Tensor small = at::ones({1000}), x = at::ones({1000, 1000}),
             y = at::ones({1000, 2000});
  MemoryStatistics now = memory_statistics();
  EXPECT_EQ(now.bytes_in_use - before.bytes_in_use, 12 << 20);
  EXPECT_EQ(now.bytes_cached, 0);
  EXPECT_EQ(now.hits, before.hits);
  EXPECT_EQ(now.misses, before.misses + 2);
  EXPECT_GE(now.peak_bytes_in_use, now.bytes_in_use);

  x.reset();
  y = at::ones({900, 1100});
  now = memory_statistics();
  EXPECT_EQ(now.bytes_in_use - before.bytes_in_use, 4 << 20);
  EXPECT_EQ(now.bytes_cached, 8 << 20);
  EXPECT_EQ(now.hits, before.hits + 1);
  EXPECT_EQ(now.misses, before.misses + 2);
  EXPECT_GE(now.peak_bytes_in_use, now.bytes_in_use + (8 << 20));

  empty_cache();
  EXPECT_EQ(memory_statistics().bytes_cached, 0);
  EXPECT_EQ(y.sum().item<float>(), 900 * 1100);
  y.reset();
  EXPECT_EQ(memory_statistics().bytes_in_use, before.bytes_in_use);
  initialize({.threads = at::get_num_threads(), .caching_allocator = false});
}
#endif

}  // namespace
}  // namespace snt::memory_test
