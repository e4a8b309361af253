#include "sonnet/kernels/memory/block_cache.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <vector>

namespace snt::kernels::block_cache_test {
namespace {

constexpr size_t kKiB = size_t{1} << 10;
constexpr size_t kMiB = size_t{1} << 20;
constexpr int64_t kMuch = int64_t{1} << 40;

struct Cache : BlockCache {
  explicit Cache(BlockCacheLimits limits = {.cached = kMuch}) {
    set_limits(limits);
  }
};

// Both around the sizes of blocks, which have a header of 64 bytes.
TEST(BlockCache, GivesWhatWasAskedForAndLittleMore) {
  Cache cache;
  std::vector<void*> all;
  std::vector<size_t> sizes;
  for (size_t power = BlockCache::kSmallest; power <= 2 * kMiB; power *= 2) {
    for (size_t eighths = 8; eighths < 16; ++eighths) {
      for (const size_t less : {0, 1, 64, 65}) {
        const size_t size = power / 8 * eighths - less;
        if (size >= BlockCache::kSmallest) sizes.push_back(size);
      }
    }
  }
  for (const size_t size : sizes) {
    const int64_t before = cache.statistics().bytes_in_use;
    char* const data = static_cast<char*>(cache.allocate(size));
    all.push_back(data);
    ASSERT_NE(data, nullptr);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(data) % 64, 0);
    EXPECT_TRUE(cache.owns(data));
    const int64_t taken = cache.statistics().bytes_in_use - before;
    EXPECT_GE(taken, static_cast<int64_t>(size + 64));
    EXPECT_LE(taken, static_cast<int64_t>((size + 64) * 9 / 8));
    std::memset(data, 1, 1);
    std::memset(data + size - 1, 2, 1);
  }
  for (size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(static_cast<char*>(all[i])[0], 1);
    EXPECT_EQ(static_cast<char*>(all[i])[sizes[i] - 1], 2);
    cache.release(all[i]);
  }
  const BlockCacheStatistics now = cache.statistics();
  EXPECT_EQ(now.bytes_in_use, 0);
  EXPECT_EQ(now.bytes_cached, now.peak_bytes_in_use);
  EXPECT_EQ(now.hits, 0);
  EXPECT_EQ(now.misses, static_cast<int64_t>(sizes.size()));

  for (const size_t size : sizes) cache.allocate(size);
  EXPECT_EQ(cache.statistics().bytes_cached, 0);
  EXPECT_EQ(cache.statistics().hits, now.misses);
  for (void* const data : all) cache.release(data);
}

TEST(BlockCache, LargeBlocksBeginAtAHugePage) {
  Cache cache;
  for (const size_t size : {2 * kMiB, 3 * kMiB + 5, 20 * kMiB}) {
    void* const data = cache.allocate(size);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(data) % (2 * kMiB), 64);
    cache.release(data);
  }
}

TEST(BlockCache, TakesTheBlockReleasedLast) {
  Cache cache;
  void* const first = cache.allocate(100 * kKiB);
  void* const second = cache.allocate(100 * kKiB + 1);
  void* const other = cache.allocate(200 * kKiB);
  for (void* const data : {first, second, other}) cache.release(data);
  EXPECT_EQ(cache.allocate(100 * kKiB), second);
  EXPECT_EQ(cache.allocate(100 * kKiB), first);
  void* const fresh = cache.allocate(100 * kKiB);
  EXPECT_TRUE(fresh != first && fresh != second && fresh != other);
  EXPECT_EQ(cache.allocate(200 * kKiB), other);
  EXPECT_EQ(cache.statistics().hits, 3);
  EXPECT_EQ(cache.statistics().misses, 4);
  for (void* const data : {first, second, fresh, other}) cache.release(data);
}

TEST(BlockCache, WhatHasWaitedLongestGoes) {
  // Blocks of 144 and 288 KiB.
  Cache cache({.cached = 600 * kKiB});
  void* const first = cache.allocate(128 * kKiB);
  void* const second = cache.allocate(256 * kKiB);
  void* const third = cache.allocate(128 * kKiB);
  void* const fourth = cache.allocate(128 * kKiB);
  void* const too_large = cache.allocate(640 * kKiB);
  for (void* const data : {first, second, third}) cache.release(data);
  EXPECT_EQ(cache.statistics().bytes_cached, 576 * kKiB);
  cache.release(fourth);
  EXPECT_EQ(cache.statistics().bytes_cached, 576 * kKiB);
  cache.release(too_large);
  EXPECT_EQ(cache.statistics().bytes_cached, 576 * kKiB);
  EXPECT_EQ(cache.allocate(128 * kKiB), fourth);
  EXPECT_EQ(cache.allocate(128 * kKiB), third);
  EXPECT_EQ(cache.allocate(256 * kKiB), second);
  EXPECT_EQ(cache.statistics().bytes_cached, 0);
  for (void* const data : {second, third, fourth}) cache.release(data);
  cache.set_limits({.cached = 300 * kKiB});
  EXPECT_EQ(cache.statistics().bytes_cached, 288 * kKiB);
  cache.set_limits({});
  EXPECT_EQ(cache.statistics().bytes_cached, 0);
  cache.release(cache.allocate(kMiB));
  EXPECT_EQ(cache.statistics().bytes_cached, 0);
}

TEST(BlockCache, MakesRoomForWhatIsInUse) {
  // Blocks of 144 and 1152 KiB.
  Cache cache({.cached = 1000 * kKiB, .total = 1500 * kKiB});
  std::vector<void*> small;
  for (int i = 0; i < 6; ++i) small.push_back(cache.allocate(128 * kKiB));
  for (void* const data : small) cache.release(data);
  EXPECT_EQ(cache.statistics().bytes_cached, 6 * 144 * kKiB);
  void* const large = cache.allocate(kMiB);
  EXPECT_EQ(cache.statistics().bytes_cached, 2 * 144 * kKiB);
  void* const larger = cache.allocate(kMiB);  // More than the total.
  EXPECT_EQ(cache.statistics().bytes_cached, 0);
  EXPECT_EQ(cache.statistics().bytes_in_use, 2 * 1152 * kKiB);
  cache.release(large);
  cache.release(larger);
}

TEST(BlockCache, EmptyLeavesWhatIsInUse) {
  Cache cache;
  char* const used = static_cast<char*>(cache.allocate(kMiB));
  used[kMiB - 1] = 7;
  cache.release(cache.allocate(5 * kMiB));
  EXPECT_GT(cache.statistics().bytes_cached, 5 * kMiB);
  cache.empty();
  EXPECT_EQ(cache.statistics().bytes_cached, 0);
  EXPECT_EQ(cache.statistics().bytes_in_use, 1152 * kKiB);
  EXPECT_EQ(used[kMiB - 1], 7);
  cache.release(used);
}

TEST(BlockCache, KnowsItsOwn) {
  Cache cache, other;
  void* const data = cache.allocate(kMiB);
  EXPECT_TRUE(cache.owns(data));
  EXPECT_FALSE(other.owns(data));
  EXPECT_FALSE(cache.owns(nullptr));
  // A copy of a block, header and all, at the same place in a page.
  char* const copy = static_cast<char*>(other.allocate(kMiB)) + 4 * kKiB;
  std::memcpy(copy - 64, static_cast<char*>(data) - 64, 128);
  EXPECT_FALSE(cache.owns(copy));
  other.release(copy - 4 * kKiB);
  cache.release(data);
  for (const size_t size : {64 * kKiB, kMiB, 100 * kMiB}) {
    void* foreign = nullptr;
    ASSERT_EQ(posix_memalign(&foreign, 64, size), 0);
    EXPECT_FALSE(cache.owns(foreign));
    std::free(foreign);
  }
}

// Runs in a process of its own, which may have 32 MiB more than it has.
bool gets_memory_by_emptying() {
  Cache cache;
  cache.release(cache.allocate(48 * kMiB));
  size_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  const rlimit limit = {pages * 4 * kKiB + 32 * kMiB, RLIM_INFINITY};
  if (setrlimit(RLIMIT_AS, &limit) != 0) return false;
  void* const large = cache.allocate(60 * kMiB);
  if (large == nullptr || cache.statistics().bytes_cached != 0) return false;
  const BlockCacheStatistics before = cache.statistics();
  if (cache.allocate(kMiB << 10) != nullptr) return false;
  const BlockCacheStatistics after = cache.statistics();
  return after.bytes_in_use == before.bytes_in_use &&
         after.peak_bytes_in_use == before.peak_bytes_in_use &&
         after.misses == before.misses;
}

TEST(BlockCache, EmptiesItselfBeforeItFails) {
  const pid_t child = fork();
  if (child == 0) _exit(gets_memory_by_emptying() ? 0 : 1);
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace snt::kernels::block_cache_test
