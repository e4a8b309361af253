#include "sonnet/kernels/onednn.h"

#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <utility>

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

const dnnl::engine& engine() {
  static const auto* const cpu =
      new dnnl::engine(dnnl::engine::kind::cpu, /*index=*/0);
  return *cpu;
}

dnnl::stream& stream() {
  // The pointer outlives the thread's destructors: a static's destructor that
  // comes behind them gets a new stream.
  thread_local dnnl::stream* mine = nullptr;
  struct Owner {
    ~Owner() { delete std::exchange(mine, nullptr); }
  };
  if (mine == nullptr) {
    mine = new dnnl::stream(engine());
    thread_local const Owner owner;
    static_cast<void>(owner);
  }
  return *mine;
}

bool is_alive() {
  thread_local const MainThread main_thread;
  static_cast<void>(main_thread);
  static const bool watching = (engine(), stop_at_exit(), true);
  return watching && !exiting.load(std::memory_order_relaxed);
}

void stop_at_exit() { std::atexit(stop); }

}  // namespace snt::kernels
