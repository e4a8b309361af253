#include "sonnet/core/memory.h"

#include "sonnet/kernels/memory/caching_allocator.h"

namespace snt {

MemoryStatistics memory_statistics() {
  const kernels::BlockCacheStatistics now =
      kernels::tensor_cache().statistics();
  return {.bytes_in_use = now.bytes_in_use,
          .bytes_cached = now.bytes_cached,
          .peak_bytes_in_use = now.peak_bytes_in_use,
          .hits = now.hits,
          .misses = now.misses};
}

void empty_cache() { kernels::tensor_cache().empty(); }

}  // namespace snt
