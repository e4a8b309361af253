#include "sonnet/kernels/memory/caching_allocator.h"

#include <ATen/ATen.h>
#include <c10/core/CPUAllocator.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <torch/version.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace snt::kernels::caching_allocator_test {
namespace {

#ifdef __SANITIZE_ADDRESS__
// The sanitizer has to see every allocation.
TEST(CachingAllocator, IsOffUnderAddressSanitizer) {
  ASSERT_TRUE(is_under_address_sanitizer());
  const c10::Allocator* const before = c10::GetCPUAllocator();
  set_tensor_cache_limits({.cached = 1 << 30});
  EXPECT_EQ(c10::GetCPUAllocator(), before);
  { const at::Tensor x = at::ones({1 << 20}); }
  EXPECT_EQ(tensor_cache().statistics().misses, 0);
  EXPECT_EQ(tensor_cache().statistics().bytes_cached, 0);
}
#else

constexpr int64_t kLarge = 1 << 20;
constexpr BlockCacheLimits kOn = {.cached = 64 * kLarge};

// A cache that is on and empty, and off again behind the test.
class CachingAllocator : public testing::Test {
 protected:
  void SetUp() override {
    set_tensor_cache_limits(kOn);
    before_ = tensor_cache().statistics();
  }
  void TearDown() override { set_tensor_cache_limits({}); }

  // Since the beginning of the test.
  BlockCacheStatistics statistics() const {
    BlockCacheStatistics now = tensor_cache().statistics();
    now.bytes_in_use -= before_.bytes_in_use;
    now.hits -= before_.hits;
    now.misses -= before_.misses;
    return now;
  }

 private:
  BlockCacheStatistics before_;
};

at::Tensor bytes(int64_t count) { return at::empty({count}, at::kByte); }

TEST_F(CachingAllocator, OnlyLargeTensorsAreInTheCache) {
  const int64_t smallest = BlockCache::kSmallest;
  { const at::Tensor none = bytes(0), one = bytes(1), x = bytes(smallest - 1); }
  EXPECT_EQ(statistics().misses, 0);
  { const at::Tensor x = bytes(smallest); }
  EXPECT_EQ(statistics().misses, 1);
  EXPECT_GT(statistics().bytes_cached, smallest);
}

TEST_F(CachingAllocator, MemoryIsUsedAgain) {
  const void* data = nullptr;
  for (int i = 0; i < 3; ++i) {
    const at::Tensor x = at::ones({kLarge});
    const at::Tensor y = at::ones({kLarge});
    EXPECT_TRUE(i == 0 || x.data_ptr() == data);
    data = x.data_ptr();  // Released last.
    EXPECT_EQ((x + y).sum().item<float>(), 2 * kLarge);
  }
  EXPECT_EQ(statistics().misses, 3);
  EXPECT_EQ(statistics().bytes_in_use, 0);
}

TEST_F(CachingAllocator, RawMemory) {
  c10::Allocator& allocator = *c10::GetCPUAllocator();
  for (const size_t size : {size_t{100}, size_t{kLarge}}) {
    void* const data = allocator.raw_allocate(size);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(data) % 64, 0);
    std::memset(data, 1, size);
    allocator.raw_deallocate(data);
  }
  allocator.raw_deallocate(nullptr);
  void* const kept = allocator.allocate(kLarge).release_context();
  EXPECT_GT(statistics().bytes_in_use, kLarge);
  allocator.raw_deleter()(kept);
  EXPECT_EQ(statistics().bytes_in_use, 0);
}

#if TORCH_VERSION_MAJOR >= 2
TEST_F(CachingAllocator, Clones) {
  c10::Allocator& allocator = *c10::GetCPUAllocator();
  for (const size_t size : {size_t{100}, size_t{kLarge}}) {
    const c10::DataPtr data = allocator.allocate(size);
    std::memset(data.get(), 5, size);
    const c10::DataPtr clone = allocator.clone(data.get(), size);
    EXPECT_EQ(std::memcmp(data.get(), clone.get(), size), 0);
    EXPECT_TRUE(allocator.is_simple_data_ptr(clone));
  }
  EXPECT_EQ(statistics().misses, 2);
}
#endif

// Deleting the wrong memory would end the process.
TEST_F(CachingAllocator, MemoryGoesBackToWhereItCameFrom) {
  set_tensor_cache_limits({});
  c10::Allocator& allocator = *c10::GetCPUAllocator();
  std::vector<void*> old;
  for (const int64_t size : {100, 1 << 17, 1 << 20, 1 << 26}) {
    old.push_back(allocator.raw_allocate(size));
    std::memset(old.back(), 1, 100);
  }
  at::Tensor grows = at::ones({kLarge}), view = grows.view({2, -1});
  at::Tensor shrinks = at::ones({kLarge});
  EXPECT_EQ(statistics().misses, 0);

  set_tensor_cache_limits(kOn);
  for (void* const data : old) allocator.raw_deallocate(data);
  grows.resize_({2 * kLarge});
  EXPECT_EQ(grows[kLarge - 1].item<float>(), 1);
  at::Tensor clone = shrinks.clone(), used = at::ones({kLarge});
  shrinks.reset();
  view.reset();
  EXPECT_GE(statistics().misses, 3);
  EXPECT_GT(statistics().bytes_in_use, 16 * kLarge);

  set_tensor_cache_limits({});
  const BlockCacheStatistics off = statistics();
  EXPECT_EQ(off.bytes_cached, 0);
  const at::Tensor behind = at::ones({kLarge});
  used.resize_({2 * kLarge});
  EXPECT_EQ(statistics().misses, off.misses);
  EXPECT_EQ(statistics().hits, off.hits);
  EXPECT_EQ(used[kLarge - 1].item<float>(), 1);
  for (at::Tensor* const x : {&clone, &grows, &used}) x->reset();
  EXPECT_EQ(statistics().bytes_in_use, 0);
  EXPECT_EQ(statistics().bytes_cached, 0);
}

TEST_F(CachingAllocator, LeavesMemoryOfOthersAlone) {
  std::vector<float> mine(kLarge, 3);
  {
    const at::Tensor x = at::from_blob(mine.data(), {kLarge});
    EXPECT_EQ(x.sum().item<float>(), 3 * kLarge);
  }
  EXPECT_EQ(statistics().misses, 0);
  int deleted = 0;
  {
    const at::Tensor x = at::from_blob(
        mine.data(), {kLarge}, [&](void*) { ++deleted; }, at::kFloat);
  }
  EXPECT_EQ(deleted, 1);
  EXPECT_EQ(mine[5], 3);
}

TEST_F(CachingAllocator, TooMuchIsLibtorchsError) {
  const at::Tensor x = bytes(kLarge);
  EXPECT_THROW(bytes(int64_t{1} << 47), c10::Error);
  EXPECT_EQ(statistics().misses, 1);
}

TEST_F(CachingAllocator, TensorsOfStaticsGoAtExit) {
  // In a process of its own: this one has threads, which a fork leaves behind.
  const std::string style = GTEST_FLAG_GET(death_test_style);
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        static at::Tensor x = at::ones({kLarge});
        struct Last {
          ~Last() { x = at::ones({2 * kLarge}) + x.sum(); }
        };
        static const Last last;
        std::exit(0);
      },
      testing::ExitedWithCode(0), "");
  GTEST_FLAG_SET(death_test_style, style);
}

#ifdef __SANITIZE_THREAD__
constexpr int kAllocations = 20'000;
#else
constexpr int kAllocations = 250'000;
#endif

// Memory for strangers: its size and the same pattern at both ends.
class Post {
 public:
  ~Post() {
    for (std::atomic<char*>& slot : slots_) take(slot.load());
  }

  // Puts new memory in the place of old, and checks and deletes that.
  void exchange(std::mt19937& random) {
    const uint32_t r = random();
    size_t size = 64 + r % (128 << 10);
    if (r % 32 == 0) size *= 16;
    char* const data =
        static_cast<char*>(c10::GetCPUAllocator()->raw_allocate(size));
    const std::array<size_t, 2> pattern = {size, size * 0x9e3779b97f4a7c15};
    std::memcpy(data, pattern.data(), 16);
    std::memcpy(data + size - 16, pattern.data(), 16);
    take(slots_[(r >> 20) % slots_.size()].exchange(data));
  }

  bool is_right() const { return right_; }

 private:
  void take(char* data) {
    if (data == nullptr) return;
    std::array<size_t, 2> begin, end;
    std::memcpy(begin.data(), data, 16);
    std::memcpy(end.data(), data + begin[0] - 16, 16);
    if (begin != end || begin[1] != begin[0] * 0x9e3779b97f4a7c15) {
      right_ = false;
    }
    c10::GetCPUAllocator()->raw_deallocate(data);
  }

  std::array<std::atomic<char*>, 64> slots_ = {};
  std::atomic<bool> right_{true};
};

TEST_F(CachingAllocator, ThreadsDeleteEachOthersMemory) {
  {
    Post post;
    std::vector<std::thread> threads;
    for (unsigned seed = 0; seed < 4; ++seed) {
      threads.emplace_back([&, seed] {
        std::mt19937 random(seed);
        for (int i = 0; i < kAllocations; ++i) post.exchange(random);
      });
    }
    // Whatever is done to the cache meanwhile.
    for (int i = 0; i < 20; ++i) {
      set_tensor_cache_limits({.cached = (i % 5) * 2 * kLarge});
      tensor_cache().empty();
    }
    set_tensor_cache_limits(kOn);
    for (std::thread& thread : threads) thread.join();
    EXPECT_TRUE(post.is_right());
  }
  const BlockCacheStatistics now = statistics();
  EXPECT_EQ(now.bytes_in_use, 0);
  EXPECT_LE(now.bytes_cached, kOn.cached);
  EXPECT_GT(now.hits, now.misses);
  tensor_cache().empty();
  EXPECT_EQ(statistics().bytes_cached, 0);
}

TEST_F(CachingAllocator, ForkWhileThreadsAllocate) {
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] {
      while (!stop) c10::GetCPUAllocator()->allocate(1 << 17);
    });
  }
  int ended_well = 0;
  for (int i = 0; i < 50; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      alarm(20);  // Ends a child that hangs.
      const bool large =
          static_cast<bool>(c10::GetCPUAllocator()->allocate(1 << 17));
      _exit(large ? 0 : 1);
    }
    int status = -1;
    if (waitpid(child, &status, 0) == child && status == 0) ++ended_well;
    if (ended_well <= i) break;
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(ended_well, 50);
}
#endif

}  // namespace
}  // namespace snt::kernels::caching_allocator_test
