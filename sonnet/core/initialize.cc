#include "sonnet/core/initialize.h"

#include <ATen/Parallel.h>
#include <sched.h>

#include <cstdlib>

#include "sonnet/core/errors.h"
#include "sonnet/kernels/losses/cross_entropy.h"
#include "sonnet/kernels/losses/means.h"
#include "sonnet/kernels/losses/squares.h"
#include "sonnet/kernels/memory/caching_allocator.h"
#include "sonnet/kernels/memory/memory_limit.h"
#include "sonnet/kernels/products/matmul.h"
#include "sonnet/kernels/switches.h"

namespace snt {
namespace {

int usable_cores() {
  cpu_set_t cores;
  if (sched_getaffinity(0, sizeof(cores), &cores) != 0) return 1;
  return CPU_COUNT(&cores);
}

// Some memory is always left to what is not in tensors.
kernels::BlockCacheLimits cache_limits(double share) {
  const int64_t memory = kernels::memory_limit();
  return {.cached = static_cast<int64_t>(share * static_cast<double>(memory)),
          .total = memory / 8 * 7};
}

}  // namespace

void initialize(InitializeOptions options) {
  check(options.threads >= 0, "initialize", "threads must be >= 0, got ",
        options.threads);
  check(options.cache_share >= 0 && options.cache_share <= 1, "initialize",
        "cache_share must be in [0, 1], got ", options.cache_share);
  if (options.threads > 0) {
    at::set_num_threads(options.threads);
  } else if (std::getenv("OMP_NUM_THREADS") == nullptr) {
    at::set_num_threads(usable_cores());
  }

  kernels::set_tensor_cache_limits(
      cache_limits(options.caching_allocator ? options.cache_share : 0));

  kernels::install_matmul(options.onednn_matmul);

  kernels::Switches& on = kernels::switches();
  on.recurrent_sequences = options.recurrent_sequences;
  on.one_pass_updates = options.one_pass_updates;
  on.fast_layers = options.fast_layers;
  on.fast_norms = options.fast_norms;
  on.fast_convolutions = options.fast_convolutions;
  on.fast_quantizers = options.fast_quantizers;
  on.fast_losses = options.fast_losses;
  if (options.fast_losses) {
    kernels::install_cross_entropy();
    kernels::install_squares();
    kernels::install_means();
  }
}

}  // namespace snt
