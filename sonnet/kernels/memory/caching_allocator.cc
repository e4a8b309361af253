#include "sonnet/kernels/memory/caching_allocator.h"

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <pthread.h>
#include <torch/version.h>

#include <atomic>

// Exists in programs that AddressSanitizer watches.
extern "C" __attribute__((weak)) void __asan_init();

namespace snt::kernels {
namespace {

constexpr uint8_t kPriority = 100;  // libtorch's own has 0.

std::atomic<bool> caching{false};

class CachingAllocator final : public c10::Allocator {
 public:
  // That of the process. Never destroyed.
  static CachingAllocator& instance() {
    static auto* const allocator = new CachingAllocator;
    return *allocator;
  }

#if TORCH_VERSION_MAJOR >= 2
  c10::DataPtr allocate(size_t bytes) override { return get(bytes); }

  void copy_data(void* to, const void* from, size_t bytes) const override {
    default_copy_data(to, from, bytes);
  }
#else
  c10::DataPtr allocate(size_t bytes) const override { return get(bytes); }
#endif

  c10::DeleterFnPtr raw_deleter() const override {
    return previous_->raw_deleter() == nullptr ? nullptr : &release;
  }

 private:
  c10::DataPtr get(size_t bytes) const {
    if (bytes >= BlockCache::kSmallest && bytes <= BlockCache::kLargest &&
        caching.load(std::memory_order_relaxed)) {
      if (void* const data = tensor_cache().allocate(bytes)) {
        c10::profiledCPUMemoryReporter().New(data, bytes);
        return {data, data, &release, c10::Device(c10::kCPU)};
      }
    }
    return previous_->allocate(bytes);  // Says why if it cannot.
  }

  // Also gets memory of the allocator before, from raw_deallocate.
  static void release(void* data) {
    if (!tensor_cache().owns(data)) {
      return instance().previous_->raw_deleter()(data);
    }
    c10::profiledCPUMemoryReporter().Delete(data);
    tensor_cache().release(data);
  }

  c10::Allocator* previous_ = c10::GetCPUAllocator();
};

// The cache must be in order in a child that another thread's fork makes.
bool install_allocator() {
  pthread_atfork([] { tensor_cache().before_fork(); },
                 [] { tensor_cache().after_fork(); },
                 [] { tensor_cache().after_fork(); });
  c10::SetCPUAllocator(&CachingAllocator::instance(), kPriority);
  return true;
}

}  // namespace

BlockCache& tensor_cache() {
  static auto* const cache = new BlockCache;
  return *cache;
}

bool is_under_address_sanitizer() { return __asan_init != nullptr; }

void set_tensor_cache_limits(BlockCacheLimits limits) {
  if (is_under_address_sanitizer()) return;
  caching.store(limits.cached > 0, std::memory_order_relaxed);
  tensor_cache().set_limits(limits);
  if (limits.cached > 0) {
    static const bool installed = install_allocator();
    static_cast<void>(installed);
  }
}

}  // namespace snt::kernels
