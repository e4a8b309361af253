#include "examples/support/progress.h"

#include <ATen/ATen.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iostream>
#include <stdexcept>
#include <string>
#include <utility>

namespace examples {

Progress::Progress(int64_t steps, std::string unit)
    : steps_(steps),
      unit_(std::move(unit)),
      terminal_(isatty(STDOUT_FILENO) != 0),
      start_(std::chrono::steady_clock::now()) {}

Progress::~Progress() {
  if (terminal_ && done_ > 0) std::cout << std::endl;
}

void Progress::step(const at::Tensor& loss) {
  ++done_;
  const int64_t every = terminal_ ? 10 : std::max<int64_t>(steps_ / 10, 1);
  if (done_ % every != 0 && done_ != steps_ && done_ != 1) return;
  const double value =
      loss.item<double>() / (unit_ == "bits" ? std::log(2.0) : 1.0);
  if (!std::isfinite(value)) {
    throw std::runtime_error("the loss of step " + std::to_string(done_) +
                             " is no finite number; a smaller --lr may help");
  }
  mean_ =
      done_ == 1 ? value : mean_ + (value - mean_) * (terminal_ ? 0.1 : 0.5);
  show(terminal_ ? mean_ : value);
}

void Progress::show(double loss) const {
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start_)
          .count();
  const double rate = static_cast<double>(done_) / std::max(seconds, 1e-9);
  const double left = static_cast<double>(steps_ - done_) / rate;
  const double part = static_cast<double>(done_) /
                      static_cast<double>(std::max<int64_t>(steps_, 1));
  if (terminal_) {
    const auto filled = static_cast<size_t>(part * 30);
    std::printf("\r[%s%s] %3.0f %%  %.3f %s  %.0f steps/s  %.0f s left  ",
                std::string(filled, '#').c_str(),
                std::string(30 - filled, '.').c_str(), 100 * part, loss,
                unit_.c_str(), rate, left);
  } else {
    std::printf("step %lld of %lld: %.3f %s, %.0f steps/s, %.0f s left\n",
                static_cast<long long>(done_), static_cast<long long>(steps_),
                loss, unit_.c_str(), rate, left);
  }
  std::fflush(stdout);
}

}  // namespace examples
