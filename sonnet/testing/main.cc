// Every test program starts here.

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace {

// libtorch seeds its generator anew in each process. A test starts from one
// seed, so that it draws the same numbers in every run, in whatever order and
// company; --gtest_random_seed=N gives it others.
class SeedEachTest final : public testing::EmptyTestEventListener {
  void OnTestStart(const testing::TestInfo&) override {
    at::manual_seed(static_cast<uint64_t>(GTEST_FLAG_GET(random_seed)));
  }
};

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  // The list of listeners deletes it.
  testing::UnitTest::GetInstance()->listeners().Append(new SeedEachTest);
  return RUN_ALL_TESTS();
}
