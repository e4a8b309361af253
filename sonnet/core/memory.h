// File: core/memory.h
// The memory of tensors on a CPU that `initialize` lets wait for its next use.

#pragma once

#include <cstdint>

namespace snt {

// Counts of the memory of CPU tensors of 64 KiB and more since `initialize`
// turned their cache on. Bytes are those of whole blocks, which are up to 12.5
// % larger than the tensors in them.
struct MemoryStatistics {
  int64_t bytes_in_use = 0;       // In tensors.
  int64_t bytes_cached = 0;       // Waiting for their next use.
  int64_t peak_bytes_in_use = 0;  // The most that was in tensors.
  int64_t hits = 0;    // Allocations that got memory which had waited.
  int64_t misses = 0;  // Those that went to the system.
};

// The counts up to now. All are 0 where there is no such cache.
//
//     snt::initialize();
//     for (int step = 0; step < 10; ++step) at::zeros({1000, 1000});
//     snt::MemoryStatistics memory = snt::memory_statistics();
//     double reused = double(memory.hits) / (memory.hits + memory.misses);
MemoryStatistics memory_statistics();

// Gives all memory that waits back to the system, for other programs to use.
// What is in use stays.
//
//     { at::Tensor large = at::zeros({1000, 1000}); }
//     snt::empty_cache();
//     int64_t cached = snt::memory_statistics().bytes_cached;  // 0
void empty_cache();

}  // namespace snt
