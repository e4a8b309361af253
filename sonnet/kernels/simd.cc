#include "sonnet/kernels/simd.h"

#include <atomic>

namespace snt::kernels {
namespace {

int level_of_processor() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) return 2;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return 1;
#endif
  return 0;
}

std::atomic<int> level_limit{2};

}  // namespace

int isa_level() {
  static const int best = level_of_processor();
  const int limit = level_limit.load(std::memory_order_relaxed);
  return best < limit ? best : limit;
}

void limit_isa_level(int level) { level_limit = level; }

}  // namespace snt::kernels
