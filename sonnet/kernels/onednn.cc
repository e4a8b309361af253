#include "sonnet/kernels/onednn.h"

#include <atomic>
#include <cstdlib>
#include <utility>
#include <vector>

namespace snt::kernels {
namespace {

std::atomic<bool> at_exit{false};

// A first product makes oneDNN's statics; what is registered behind it runs
// before they are destroyed.
bool watch_for_exit() {
  std::vector<float> zeros(1);
  dnnl_sgemm('N', 'N', 1, 1, 1, 1, zeros.data(), 1, zeros.data(), 1, 0,
             zeros.data(), 1);
  std::atexit([] { at_exit.store(true, std::memory_order_relaxed); });
  return true;
}

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
  static const bool watching = watch_for_exit();
  return watching && !at_exit.load(std::memory_order_relaxed);
}

}  // namespace snt::kernels
