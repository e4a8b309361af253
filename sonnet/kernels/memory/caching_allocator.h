// File: kernels/memory/caching_allocator.h
// A BlockCache behind libtorch's allocator for CPUs.

#pragma once

#include "sonnet/kernels/memory/block_cache.h"

namespace snt::kernels {

// Lets the memory of CPU tensors come from the cache, from
// BlockCache::kSmallest bytes on; smaller ones, and all if `limits.cached` is
// 0, come from the allocator that was there before. Memory always goes back to
// where it came from, whatever the limits are by then. May be called at any
// time. An allocator that the program sets with a priority above 100 stays.
//
// Under AddressSanitizer nothing changes: it sees errors only in memory that it
// hands out itself.
void set_tensor_cache_limits(BlockCacheLimits limits);

// The cache. Never destroyed: tensors also go in destructors of statics.
BlockCache& tensor_cache();

// Whether this process runs under AddressSanitizer.
bool is_under_address_sanitizer();

}  // namespace snt::kernels
