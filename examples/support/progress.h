// File: examples/support/progress.h
// What the example programs show while they train.

#pragma once

#include <ATen/core/Tensor.h>

#include <chrono>
#include <cstdint>
#include <string>

namespace examples {

// A bar with rate and time left on a terminal; a plain line now and then in a
// pipe.
class Progress {
 public:
  // Shows progress towards `steps` steps, with the loss in `unit`.
  explicit Progress(int64_t steps, std::string unit = "bits");
  ~Progress();

  // One step is done; `loss` is shown, averaged. In bits, it is one of nats.
  //
  // Throws std::runtime_error when it is shown and no finite number.
  void step(const at::Tensor& loss);

 private:
  void show(double loss) const;

  int64_t steps_;
  std::string unit_;
  int64_t done_ = 0;
  double mean_ = 0;
  bool terminal_;
  std::chrono::steady_clock::time_point start_;
};

}  // namespace examples
