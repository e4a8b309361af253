// File: kernels/memory/memory_limit.h
// How much memory this process may use.

#pragma once

#include <cstdint>
#include <string>

namespace snt::kernels {

// The machine's memory in bytes, or what the process's control groups leave of
// it (cgroup v1 or v2, as in a container).
int64_t memory_limit();

// The lowest limit in bytes of the control groups that `self` names, which has
// the form of /proc/self/cgroup, and of those above them, in the folder
// `groups`. INT64_MAX if there is none.
int64_t control_group_limit(const std::string& self, const std::string& groups);

}  // namespace snt::kernels
