// File: kernels/memory/block_cache.h
// Large blocks of memory that wait for their next use.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>

namespace snt::kernels {

// How much may wait, in bytes.
struct BlockCacheLimits {
  int64_t cached = 0;  // 0: nothing waits.
  // Less waits when it and what is in use would come to more than this.
  int64_t total = INT64_MAX;
};

// What a BlockCache holds and did. Bytes are those of whole blocks.
struct BlockCacheStatistics {
  int64_t bytes_in_use = 0;
  int64_t bytes_cached = 0;
  int64_t peak_bytes_in_use = 0;
  int64_t hits = 0;    // Allocations that got a block which had waited.
  int64_t misses = 0;  // Those that went to the system.
};

// Memory from the system in blocks that are kept when they are released: a new
// block costs a page fault for each 4 KiB, which takes longer than many an
// operation that fills it. Blocks of 2 MiB and more begin at a huge page and
// ask for such.
//
// There are eight sizes between a power of two and the next, so that a block is
// less than 12.5 % larger than what was asked for. A request takes the block of
// its size that was released last. What would pass the limit makes the blocks
// go that have waited longest. Any thread may release a block.
class BlockCache {
 public:
  static constexpr size_t kSmallest = size_t{64} << 10;
  static constexpr size_t kLargest = size_t{1} << 46;

  BlockCache() = default;
  BlockCache(const BlockCache&) = delete;
  BlockCache& operator=(const BlockCache&) = delete;
  ~BlockCache() { empty(); }

  // Memory for kSmallest <= bytes <= kLargest, at a multiple of 64, with any
  // content. If the system has no more, the cache is emptied and it is asked
  // again; nullptr if it still has none.
  void* allocate(size_t bytes);

  // Whether `data` is memory of this cache; it may be any memory of a heap.
  bool owns(const void* data) const;

  // Takes back what `allocate` gave.
  void release(void* data);

  // Initially nothing waits.
  void set_limits(BlockCacheLimits limits);

  // Gives all that waits back to the system.
  void empty();

  BlockCacheStatistics statistics() const;

  // To be called before a fork, and after it in both processes: the child has
  // no other thread that could leave the cache in order.
  void before_fork() { mutex_.lock(); }
  void after_fork() { mutex_.unlock(); }

 private:
  // Place in a ring. Behind its head stands what was released last.
  template <int Ring>
  struct Link {
    Link* older = this;
    Link* newer = this;
    void insert_behind(Link& other);
    void remove();
  };
  using InSize = Link<0>;
  using InAll = Link<1>;

  // Stands before the memory that it is about, in the same page.
  struct alignas(64) Block : InSize, InAll {
    const BlockCache* owner = nullptr;
    const Block* self = nullptr;
    int64_t size = 0;  // With this header.
  };
  static constexpr size_t kSizes = 8 * 31;  // kSmallest to kLargest.

  static size_t round_up(size_t size);
  static size_t index_of(size_t size);
  static void unmap(InAll& blocks);
  void count_use(int64_t bytes);
  void remove(Block& block);
  void shrink(int64_t bytes, InAll& removed);

  mutable std::mutex mutex_;  // For all below.
  BlockCacheLimits limits_;
  BlockCacheStatistics statistics_;
  std::array<InSize, kSizes> waiting_;  // Per size.
  InAll all_waiting_;
};

}  // namespace snt::kernels
