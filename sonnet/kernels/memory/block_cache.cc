#include "sonnet/kernels/memory/block_cache.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <new>

namespace snt::kernels {
namespace {

constexpr size_t kPage = size_t{4} << 10;
constexpr size_t kHugePage = size_t{2} << 20;

// Fresh memory; nullptr if there is none.
void* map_block(size_t size) {
  const size_t slack = size >= kHugePage ? kHugePage : 0;
  void* const mapped = mmap(nullptr, size + slack, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return nullptr;
  if (slack == 0) return mapped;

  char* const start = static_cast<char*>(mapped);
  const size_t before =
      (kHugePage - reinterpret_cast<uintptr_t>(start) % kHugePage) % kHugePage;
  if (before > 0) munmap(start, before);
  if (before < slack) munmap(start + before + size, slack - before);
  madvise(start + before, size, MADV_HUGEPAGE);  // A wish: may fail.
  return start + before;
}

}  // namespace

template <int Ring>
void BlockCache::Link<Ring>::insert_behind(Link& other) {
  older = other.older;
  newer = &other;
  older->newer = this;
  newer->older = this;
}

template <int Ring>
void BlockCache::Link<Ring>::remove() {
  older->newer = newer;
  newer->older = older;
  older = newer = this;
}

// The next of the sizes 8/8, 9/8, ... 15/8 of a power of two.
size_t BlockCache::round_up(size_t size) {
  const size_t step = std::bit_floor(size - 1) / 8;
  return (size + step - 1) / step * step;
}

// Counts the sizes that `round_up` gives, from that behind kSmallest on.
size_t BlockCache::index_of(size_t size) {
  const size_t power = std::bit_floor(size - 1);
  const size_t octave = std::bit_width(power) - std::bit_width(kSmallest);
  return octave * 8 + (size - 1 - power) / (power / 8);
}

void* BlockCache::allocate(size_t bytes) {
  const size_t size = round_up(bytes + sizeof(Block));
  const int64_t signed_size = static_cast<int64_t>(size);
  InAll removed;
  {
    const std::lock_guard lock(mutex_);
    const InSize& fitting = waiting_[index_of(size)];
    if (fitting.older != &fitting) {
      Block& block = *static_cast<Block*>(fitting.older);
      remove(block);
      ++statistics_.hits;
      count_use(signed_size);
      return &block + 1;
    }
    const int64_t room = limits_.total - statistics_.bytes_in_use - signed_size;
    shrink(std::clamp(room, int64_t{0}, limits_.cached), removed);
  }
  unmap(removed);

  void* memory = map_block(size);
  if (memory == nullptr) {
    empty();
    memory = map_block(size);
  }
  if (memory == nullptr) return nullptr;
  Block* const block = new (memory) Block;
  block->owner = this;
  block->self = block;
  block->size = signed_size;
  const std::lock_guard lock(mutex_);
  ++statistics_.misses;
  count_use(signed_size);
  return block + 1;
}

// Reads what stands before memory of others, within its page. It cannot look
// like a block: fresh pages hold zeros, and a copy of a block is elsewhere.
__attribute__((no_sanitize("address"), no_sanitize("thread"))) bool
BlockCache::owns(const void* data) const {
  if (reinterpret_cast<uintptr_t>(data) % kPage != sizeof(Block)) return false;
  const Block* const block = static_cast<const Block*>(data) - 1;
  return block->self == block && block->owner == this;
}

void BlockCache::release(void* data) {
  Block& block = *(static_cast<Block*>(data) - 1);
  InAll removed;
  {
    const std::lock_guard lock(mutex_);
    statistics_.bytes_in_use -= block.size;
    if (block.size <= limits_.cached) {
      statistics_.bytes_cached += block.size;
      block.InSize::insert_behind(waiting_[index_of(block.size)]);
      block.InAll::insert_behind(all_waiting_);
      shrink(limits_.cached, removed);
    } else {
      block.InAll::insert_behind(removed);
    }
  }
  unmap(removed);
}

void BlockCache::count_use(int64_t bytes) {
  BlockCacheStatistics& now = statistics_;
  now.bytes_in_use += bytes;
  now.peak_bytes_in_use = std::max(now.peak_bytes_in_use, now.bytes_in_use);
}

void BlockCache::remove(Block& block) {
  block.InSize::remove();
  block.InAll::remove();
  statistics_.bytes_cached -= block.size;
}

// Lets no more than `bytes` wait; moves the others to `removed`.
void BlockCache::shrink(int64_t bytes, InAll& removed) {
  while (statistics_.bytes_cached > bytes) {
    Block& oldest = *static_cast<Block*>(all_waiting_.newer);
    remove(oldest);
    oldest.InAll::insert_behind(removed);
  }
}

void BlockCache::unmap(InAll& blocks) {
  while (blocks.older != &blocks) {
    Block& block = *static_cast<Block*>(blocks.older);
    block.InAll::remove();
    const size_t size = static_cast<size_t>(block.size);
    // At the limit of mappings one cannot be cut in two: then only the memory
    // goes back, not the addresses.
    if (munmap(&block, size) != 0) madvise(&block, size, MADV_DONTNEED);
  }
}

void BlockCache::set_limits(BlockCacheLimits limits) {
  InAll removed;
  {
    const std::lock_guard lock(mutex_);
    limits_ = limits;
    shrink(limits.cached, removed);
  }
  unmap(removed);
}

void BlockCache::empty() {
  InAll removed;
  {
    const std::lock_guard lock(mutex_);
    shrink(0, removed);
  }
  unmap(removed);
}

BlockCacheStatistics BlockCache::statistics() const {
  const std::lock_guard lock(mutex_);
  return statistics_;
}

}  // namespace snt::kernels
