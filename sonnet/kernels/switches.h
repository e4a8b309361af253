// File: kernels/switches.h
// Which of the kernels that modules call are on; `initialize` sets them.

#pragma once

#include <atomic>

namespace snt::kernels {

// Read by any thread at any time.
struct Switches {
  std::atomic<bool> recurrent_sequences{true};
  std::atomic<bool> one_pass_updates{true};
  std::atomic<bool> fast_layers{true};
  std::atomic<bool> fast_losses{true};
  std::atomic<bool> fast_norms{true};
  std::atomic<bool> fast_convolutions{true};
  std::atomic<bool> fast_quantizers{true};
};

// Those of the process. Never destroyed.
Switches& switches();

}  // namespace snt::kernels
