#include "sonnet/kernels/memory/memory_limit.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>

namespace snt::kernels {
namespace {

// The number in a file; INT64_MAX if there is none: "max" is no limit.
int64_t number_in(const std::string& file) {
  int64_t number = 0;
  return std::ifstream(file) >> number ? number : INT64_MAX;
}

}  // namespace

int64_t control_group_limit(const std::string& self,
                            const std::string& groups) {
  int64_t limit = INT64_MAX;
  std::ifstream lines(self);
  // Each line: a number, the controllers (none in version 2), the path.
  for (std::string line; std::getline(lines, line);) {
    const size_t first = line.find(':');
    const size_t second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers =
        "," + line.substr(first + 1, second - first - 1) + ",";
    const bool version_2 = controllers == ",,";
    if (!version_2 && controllers.find(",memory,") == std::string::npos) {
      continue;
    }
    const std::string root = version_2 ? groups : groups + "/memory";
    const char* const name =
        version_2 ? "/memory.max" : "/memory.limit_in_bytes";
    std::string path = line.substr(second + 1);
    if (path == "/") path.clear();
    limit = std::min(limit, number_in(root + path + name));
    while (!path.empty()) {
      path.erase(std::min(path.rfind('/'), path.size()));
      limit = std::min(limit, number_in(root + path + name));
    }
  }
  return limit;
}

int64_t memory_limit() {
  const int64_t machine =
      int64_t{sysconf(_SC_PHYS_PAGES)} * int64_t{sysconf(_SC_PAGESIZE)};
  return std::min(machine,
                  control_group_limit("/proc/self/cgroup", "/sys/fs/cgroup"));
}

}  // namespace snt::kernels
