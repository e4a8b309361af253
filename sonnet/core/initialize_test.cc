#include "sonnet/core/initialize.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>
#include <sched.h>

#include <cstdlib>
#include <optional>
#include <string>

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

}  // namespace
}  // namespace snt::initialize_test
