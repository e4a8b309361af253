#include "sonnet/kernels/onednn.h"

#include <unistd.h>

#include <atomic>
#include <cstdlib>

namespace snt::kernels {
namespace {

std::atomic<bool> exiting{false};

void stop() { exiting.store(true, std::memory_order_relaxed); }

// oneDNN makes its statics, kernels among them, when they are first needed, so
// they may be younger, and be destroyed earlier, than any handler of
// std::atexit. But std::exit begins with what is local to its thread.
struct MainThread {
  ~MainThread() {
    if (getpid() == gettid()) stop();
  }
};

}  // namespace

bool is_alive() {
  thread_local const MainThread main_thread;
  static_cast<void>(main_thread);
  static const bool watching = (stop_at_exit(), true);
  return watching && !exiting.load(std::memory_order_relaxed);
}

void stop_at_exit() { std::atexit(stop); }

}  // namespace snt::kernels
