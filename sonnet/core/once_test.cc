#include "sonnet/core/once.h"

#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "sonnet/core/clone.h"
#include "sonnet/core/options.h"
#include "sonnet/core/variables.h"

namespace snt::once_test {
namespace {

struct Counts {
  std::string name = {};

  Once once = {};
  Variable v = {};

  void operator()(int& runs, int step) const {
    once([&] { runs += step; });
  }
};

TEST(Once, RunsOnceWhateverLaterCallsPass) {
  const Counts module;
  int runs = 0;
  EXPECT_FALSE(module.once.done());
  module(runs, 3);
  EXPECT_TRUE(module.once.done());
  module(runs, 100);
  module(runs, 3);
  EXPECT_EQ(runs, 3);
  module.once([&] { runs = -1; });  // Another function neither.
  EXPECT_EQ(runs, 3);
}

TEST(Once, AFunctionThatThrowsHasNotRun) {
  const Once once;
  int calls = 0;
  const auto fails_first = [&] {
    if (++calls == 1) throw std::runtime_error("on purpose");
  };
  EXPECT_THROW(once(fails_first), std::runtime_error);
  EXPECT_FALSE(once.done());
  once(fails_first);
  EXPECT_TRUE(once.done());
  once(fails_first);
  EXPECT_EQ(calls, 2);
}

TEST(Once, MayNest) {
  const Once outer, inner;
  std::string order;
  outer([&] {
    order += 'a';
    inner([&] { order += 'b'; });
    EXPECT_FALSE(outer.done());  // Asking inside does not hang.
  });
  inner([&] { order += 'c'; });
  EXPECT_EQ(order, "ab");
}

TEST(Once, CopiesShareAndClonesRemember) {
  const Counts module;
  const Counts copy = module, early = clone(module);
  int runs = 0;
  copy(runs, 1);
  EXPECT_TRUE(module.once.done());
  EXPECT_FALSE(early.once.done());
  const Counts late = clone(module);
  EXPECT_TRUE(late.once.done());
  late(runs, 10);
  module(runs, 100);
  EXPECT_EQ(runs, 1);
  early(runs, 1000);
  EXPECT_EQ(runs, 1001);
}

TEST(Once, IsNeitherAnOptionNorAVariableNorAModule) {
  const Counts module;
  EXPECT_EQ(repr(module), "Counts()");
  EXPECT_TRUE(variables(module, {.allow_empty = true}).empty());
  EXPECT_TRUE(submodules(module).empty());
  static_assert(!detail::holds_variables<Once>());
}

TEST(OnceThread, RunsOnceAndTheOthersWait) {
  for (int round = 0; round < 20; ++round) {
    const Counts module;
    std::barrier start(8);
    std::atomic<int> runs = 0;
    int value = 0;  // Written by the one that runs, read by all.
    std::vector<int> read(8);
    std::vector<std::thread> threads;
    for (int& mine : read) {
      threads.emplace_back([&] {
        start.arrive_and_wait();
        module.once([&] {
          ++runs;
          std::this_thread::yield();
          value = 5;
        });
        mine = value;
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(runs, 1);
    EXPECT_EQ(read, std::vector<int>(8, 5));
  }
}

TEST(OnceThread, AfterAnErrorTheNextOneRuns) {
  const Once once;
  std::barrier start(8);
  std::atomic<int> calls = 0, errors = 0, completed = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      start.arrive_and_wait();
      try {
        once([&] {
          if (++calls <= 3) throw std::runtime_error("on purpose");
          ++completed;
        });
      } catch (const std::runtime_error&) {
        ++errors;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(calls, 4);
  EXPECT_EQ(errors, 3);
  EXPECT_EQ(completed, 1);
}

}  // namespace
}  // namespace snt::once_test
