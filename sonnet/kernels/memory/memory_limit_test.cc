#include "sonnet/kernels/memory/memory_limit.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace snt::kernels::memory_limit_test {
namespace {

// A folder of control groups, and a file that says where a process is in it.
class MemoryLimit : public testing::Test {
 protected:
  ~MemoryLimit() override { std::filesystem::remove_all(root_); }

  void write(const std::string& file, const std::string& text) const {
    const std::filesystem::path path = root_ / file;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text << "\n";
  }

  int64_t limit_of(const std::string& self) const {
    write("self", self);
    return control_group_limit(root_ / "self", root_);
  }

 private:
  std::filesystem::path root_ = std::filesystem::path(testing::TempDir()) /
                                ("groups_" + std::to_string(getpid()));
};

TEST_F(MemoryLimit, None) {
  EXPECT_EQ(limit_of(""), INT64_MAX);
  EXPECT_EQ(limit_of("no such line"), INT64_MAX);
  EXPECT_EQ(limit_of("0::/"), INT64_MAX);
  EXPECT_EQ(limit_of("0::/a/b"), INT64_MAX);
  EXPECT_EQ(control_group_limit("no such file", "nor folder"), INT64_MAX);
}

TEST_F(MemoryLimit, Version2) {
  write("memory.max", "max");
  EXPECT_EQ(limit_of("0::/"), INT64_MAX);
  write("a/memory.max", "3000");
  write("a/b/memory.max", "max");
  write("a/b/c/memory.max", "5000");
  EXPECT_EQ(limit_of("0::/"), INT64_MAX);
  EXPECT_EQ(limit_of("0::/a"), 3000);
  EXPECT_EQ(limit_of("0::/a/b/c"), 3000);
  write("memory.max", "2000");
  EXPECT_EQ(limit_of("0::/a/b/c"), 2000);
  // A container may see its own group at the root.
  EXPECT_EQ(limit_of("0::/other/x"), 2000);
}

TEST_F(MemoryLimit, Version1) {
  write("memory/memory.limit_in_bytes", "9223372036854771712");
  write("memory/a/memory.limit_in_bytes", "700");
  write("a/memory.max", "5");
  EXPECT_EQ(limit_of("2:cpu:/a\n1:cpuset,memory:/a/b\n0::/"), 700);
  EXPECT_EQ(limit_of("2:cpu:/a\n1:memory:/\n0::/"), 9223372036854771712);
}

TEST_F(MemoryLimit, AtMostTheMachine) {
  EXPECT_GT(memory_limit(), 0);
  EXPECT_LE(memory_limit(),
            int64_t{sysconf(_SC_PHYS_PAGES)} * int64_t{sysconf(_SC_PAGESIZE)});
}

}  // namespace
}  // namespace snt::kernels::memory_limit_test
