#include "sonnet/core/remembered.h"

#include <gtest/gtest.h>

#include <barrier>
#include <string>
#include <thread>
#include <vector>

#include "sonnet/core/clone.h"
#include "sonnet/core/options.h"
#include "sonnet/core/variables.h"
#include "sonnet/testing/message_of.h"

namespace snt::remembered_test {
namespace {

struct Flat {
  std::string name = {};

  Remembered<std::vector<int64_t>> shape = {};

  std::vector<int64_t> input_shape() const {
    return shape.get("Flat", "input_shape");
  }
};

TEST(Remembered, KnowsNothingBeforeTheFirstCall) {
  const Flat flat;
  EXPECT_FALSE(flat.shape.is_set());
  EXPECT_EQ(message_of<NotBuiltError>([&] { flat.input_shape(); }),
            "[Flat] input_shape is known after the first call only: call the "
            "module once, or snt::build(module, inputs...)");
}

TEST(Remembered, KeepsTheFirstValue) {
  const Flat flat;
  flat.shape.set_once({});  // An empty one counts.
  EXPECT_TRUE(flat.shape.is_set());
  flat.shape.set_once({2, 3});
  EXPECT_EQ(flat.input_shape(), std::vector<int64_t>());
}

TEST(Remembered, CopiesShareAndClonesTakeItAlong) {
  const Flat flat;
  const Flat copy = flat, early = clone(flat);
  copy.shape.set_once({2, 3});
  EXPECT_EQ(flat.input_shape(), (std::vector<int64_t>{2, 3}));
  EXPECT_FALSE(early.shape.is_set());
  const Flat late = clone(flat);
  EXPECT_EQ(late.input_shape(), (std::vector<int64_t>{2, 3}));
  early.shape.set_once({4});
  EXPECT_EQ(flat.input_shape(), (std::vector<int64_t>{2, 3}));
}

TEST(Remembered, IsNeitherAnOptionNorAVariableNorAModule) {
  const Flat flat;
  EXPECT_EQ(repr(flat), "Flat()");
  EXPECT_TRUE(variables(flat, {.allow_empty = true}).empty());
  EXPECT_TRUE(submodules(flat).empty());
}

TEST(RememberedThread, AllThreadsSeeOneValue) {
  for (int round = 0; round < 20; ++round) {
    const Flat flat;
    std::barrier start(8);
    std::vector<std::vector<int64_t>> seen(8);
    std::vector<std::thread> threads;
    for (size_t i = 0; i < seen.size(); ++i) {
      threads.emplace_back([&, i] {
        start.arrive_and_wait();
        flat.shape.set_once({static_cast<int64_t>(i)});
        seen[i] = flat.input_shape();
      });
    }
    for (std::thread& thread : threads) thread.join();
    for (const auto& shape : seen) EXPECT_EQ(shape, seen[0]);
    EXPECT_EQ(flat.input_shape(), seen[0]);
  }
}

}  // namespace
}  // namespace snt::remembered_test
