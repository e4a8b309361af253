// File: core/random.h
// One seed for everything random. Each Variable draws its initial value from a
// stream of its own, numbered in the order of creation, on the CPU: threads,
// devices and the sizes of other variables change nothing.

#pragma once

#include <ATen/core/Generator.h>

#include <cstdint>
#include <optional>

namespace snt {

// Restarts all random numbers: the streams of the variables that are created
// from now on, the counters of seeded initialisers and dropouts, and libtorch's
// own generators (dropout without a seed).
//
//     snt::seed(1);
void seed(uint64_t value);

namespace random {

// A CPU generator for the next numbers: that of the Variable that is being
// created on this thread, or else a new stream. With `seed`, a stream that
// depends only on it, on the global seed and on how often it was asked for (by
// variables and by all else, counted apart).
at::Generator generator(const std::optional<int64_t>& seed = std::nullopt);

// While it lives, `generator()` on this thread hands out the next stream.
class CreationStream {
 public:
  CreationStream();
  ~CreationStream();
  CreationStream(const CreationStream&) = delete;
  CreationStream& operator=(const CreationStream&) = delete;

 private:
  at::Generator generator_;
  at::Generator* outer_;
};

// Saves the state of libtorch's default generators and of the streams that are
// not those of variables, and restores it at the end of the scope.
class KeepState {
 public:
  KeepState();
  ~KeepState();
  KeepState(const KeepState&) = delete;
  KeepState& operator=(const KeepState&) = delete;

 private:
  struct Saved;
  Saved* saved_;
};

}  // namespace random
}  // namespace snt
