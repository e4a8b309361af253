#include "sonnet/core/initialize.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/ops/mm_cpu_dispatch.h>
#include <gtest/gtest.h>
#include <sched.h>

#include <cmath>
#include <cstdlib>
#include <optional>
#include <string>

#include "sonnet/core/memory.h"
#include "sonnet/kernels/memory/caching_allocator.h"
#include "sonnet/kernels/memory/memory_limit.h"
#include "sonnet/testing/message_of.h"

namespace snt::initialize_test {
namespace {

// Sets or unsets OMP_NUM_THREADS, and restores it and the threads.
class Environment {
 public:
  explicit Environment(const char* value) {
    if (const char* now = std::getenv("OMP_NUM_THREADS")) before_ = now;
    set(value);
  }
  ~Environment() {
    set(before_ ? before_->c_str() : nullptr);
    at::set_num_threads(threads_);
  }

 private:
  static void set(const char* value) {
    if (value != nullptr) {
      setenv("OMP_NUM_THREADS", value, /*overwrite=*/1);
    } else {
      unsetenv("OMP_NUM_THREADS");
    }
  }
  std::optional<std::string> before_;
  int threads_ = at::get_num_threads();
};

TEST(Initialize, SetsTheNumberOfWorkers) {
  const Environment environment(nullptr);
  for (const int threads : {1, 3, 2}) {
    initialize({.threads = threads});
    EXPECT_EQ(at::get_num_threads(), threads);
  }
}

TEST(Initialize, UsesAllCoresOfTheProcessUnlessToldOtherwise) {
  const Environment environment(nullptr);
  cpu_set_t cores;
  ASSERT_EQ(sched_getaffinity(0, sizeof(cores), &cores), 0);
  at::set_num_threads(7);
  initialize();
  EXPECT_EQ(at::get_num_threads(), CPU_COUNT(&cores));
}

TEST(Initialize, RespectsTheEnvironment) {
  const Environment environment("5");
  at::set_num_threads(3);
  initialize();
  EXPECT_EQ(at::get_num_threads(), 3);  // As libtorch has read it.
  initialize({.threads = 2});           // The program has the last word.
  EXPECT_EQ(at::get_num_threads(), 2);
}

TEST(Initialize, RefusesANegativeNumber) {
  const int before = at::get_num_threads();
  EXPECT_EQ(message_of([] { initialize({.threads = -1}); }),
            "[initialize] threads must be >= 0, got -1");
  EXPECT_EQ(at::get_num_threads(), before);
}

// Whether a large tensor has its memory from the cache.
bool is_caching() {
  const int64_t before = memory_statistics().bytes_in_use;
  const at::Tensor large = at::empty({1 << 20});
  return memory_statistics().bytes_in_use > before;
}

TEST(Initialize, TurnsTheCacheOfMemoryOnAndOff) {
  const Environment environment(nullptr);
  const bool possible = !kernels::is_under_address_sanitizer();
  initialize();
  EXPECT_EQ(is_caching(), possible);
  initialize();
  EXPECT_EQ(is_caching(), possible);
  initialize({.caching_allocator = false});
  EXPECT_FALSE(is_caching());
  EXPECT_EQ(memory_statistics().bytes_cached, 0);
  initialize({.cache_share = 1});
  EXPECT_EQ(is_caching(), possible);
  initialize({.cache_share = 0});
  EXPECT_FALSE(is_caching());
  EXPECT_EQ(memory_statistics().bytes_cached, 0);
}

TEST(Initialize, NoMoreWaitsThanTheShare) {
  const Environment environment(nullptr);
  const int64_t most = int64_t{10} << 20;
  initialize({.cache_share = static_cast<double>(most) /
                             static_cast<double>(kernels::memory_limit())});
  for (const int64_t size : {1 << 20, 1 << 21, 1 << 22, 1 << 23, 1 << 24}) {
    at::empty({size}, at::kByte);
    EXPECT_LE(memory_statistics().bytes_cached, most);
  }
  initialize({.caching_allocator = false});
}

TEST(Initialize, RefusesAShareOutsideOfZeroToOne) {
  const Environment environment(nullptr);
  const int before = at::get_num_threads();
  const auto refusal = [&](double share) {
    return message_of(
        [&] { initialize({.threads = before + 1, .cache_share = share}); });
  };
  EXPECT_EQ(refusal(1.5),
            "[initialize] cache_share must be in [0, 1], got 1.5");
  EXPECT_EQ(refusal(-0.25),
            "[initialize] cache_share must be in [0, 1], got -0.25");
  EXPECT_EQ(refusal(std::nan("")),
            "[initialize] cache_share must be in [0, 1], got nan");
  EXPECT_EQ(at::get_num_threads(), before);
}

// Of a size that oneDNN takes.
at::Tensor multiply(const at::Tensor& x) { return at::mm(x, x.t()); }

TEST(InitializeMatmul, ComesTwiceLateOrIsTakenBackWithTheSameProducts) {
  const Environment environment("1");
  initialize({.onednn_matmul = false});
  const at::Tensor x = at::randn({90, 200});
  const at::Tensor plain = multiply(x);
  EXPECT_TRUE(at::equal(plain, at::cpu::mm(x, x.t())));

  initialize();
  const at::Tensor fast = multiply(x);
  EXPECT_TRUE(at::allclose(fast, plain, 1e-4, 1e-4));
  initialize();
  EXPECT_TRUE(at::equal(multiply(x), fast));
  EXPECT_TRUE(at::equal(multiply(x.clone()), fast));

  initialize({.onednn_matmul = false});
  EXPECT_TRUE(at::equal(multiply(x), plain));
  initialize();
  EXPECT_TRUE(at::equal(multiply(x), fast));
  initialize({.onednn_matmul = false});
}

}  // namespace
}  // namespace snt::initialize_test
