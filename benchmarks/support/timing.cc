#include <ATen/Parallel.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "benchmarks/support/row.h"

namespace benchmarks {
namespace {

using Clock = std::chrono::steady_clock;
constexpr size_t kMaxRepeats = 2000;
constexpr double kMaxSeconds = 3;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// How often `work` is done until the time is over.
int64_t count_steps(const Work& work, double seconds) {
  at::set_num_threads(1);  // Of this thread.
  int64_t count = 0;
  const auto start = Clock::now();
  for (; seconds_since(start) < seconds; ++count) work.step();
  return count;
}

Numbers calls_of_threads(int number, const Work& work, const Timing& timing) {
  std::atomic<int64_t> count{0};
  const auto start = Clock::now();
  std::vector<std::thread> threads;
  for (int i = 0; i < number; ++i) {
    threads.emplace_back([&] { count += count_steps(work, timing.seconds); });
  }
  for (std::thread& thread : threads) thread.join();
  return {{"per_s", static_cast<double>(count) / seconds_since(start)}};
}

}  // namespace

Numbers median(const Work& work, const Timing& timing) {
  std::vector<double> times;
  double total = 0;
  while ((times.size() < static_cast<size_t>(timing.repeats) &&
          total < kMaxSeconds) ||
         (total < timing.seconds && times.size() < kMaxRepeats)) {
    const auto start = Clock::now();
    work.step();
    times.push_back(seconds_since(start));
    total += times.back();
  }
  std::sort(times.begin(), times.end());
  const size_t half = times.size() / 2;
  const double middle =
      times.size() % 2 == 1 ? times[half] : (times[half - 1] + times[half]) / 2;
  return {{"ms", middle * 1e3}};
}

Numbers one_thread(const Work& work, const Timing& timing) {
  return calls_of_threads(1, work, timing);
}

Numbers two_threads(const Work& work, const Timing& timing) {
  return calls_of_threads(2, work, timing);
}

void warm_up(const Work& work) {
  work.step();
  const auto start = Clock::now();
  work.step();
  if (seconds_since(start) < 1) work.step();
}

}  // namespace benchmarks
