// File: examples/support/progress.h
// What the example programs show while they train.

#pragma once

#include <ATen/core/Tensor.h>

#include <chrono>
#include <cstdint>

namespace examples {

// A bar with rate and time left on a terminal; a plain line now and then in a
// pipe.
class Progress {
 public:
  // Shows progress towards `steps` steps.
  explicit Progress(int64_t steps);
  ~Progress();

  // One step is done; `loss` (in nats) is shown in bits, averaged.
  void step(const at::Tensor& loss);

 private:
  void show(double loss) const;

  int64_t steps_;
  int64_t done_ = 0;
  double mean_ = 0;
  bool terminal_;
  std::chrono::steady_clock::time_point start_;
};

}  // namespace examples
