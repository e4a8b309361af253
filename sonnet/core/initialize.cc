#include "sonnet/core/initialize.h"

#include <ATen/Parallel.h>
#include <sched.h>

#include <cstdlib>

#include "sonnet/core/errors.h"
#include "sonnet/kernels/switches.h"

namespace snt {
namespace {

int usable_cores() {
  cpu_set_t cores;
  if (sched_getaffinity(0, sizeof(cores), &cores) != 0) return 1;
  return CPU_COUNT(&cores);
}

}  // namespace

void initialize(InitializeOptions options) {
  check(options.threads >= 0, "initialize", "threads must be >= 0, got ",
        options.threads);
  if (options.threads > 0) {
    at::set_num_threads(options.threads);
  } else if (std::getenv("OMP_NUM_THREADS") == nullptr) {
    at::set_num_threads(usable_cores());
  }

  kernels::Switches& on = kernels::switches();
  on.recurrent_sequences = options.recurrent_sequences;
  on.one_pass_updates = options.one_pass_updates;
  on.fast_norms = options.fast_norms;
}

}  // namespace snt
