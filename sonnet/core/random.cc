#include "sonnet/core/random.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>

#include <map>
#include <mutex>
#include <vector>

namespace snt {
namespace random {

// How many streams were given out.
struct Counters {
  uint64_t unseeded = 0;
  std::map<int64_t, uint64_t> seeded;  // By seed.
};

}  // namespace random

namespace {

using random::Counters;

// What libtorch starts with when nobody seeds it, for the same reason: a
// program gives the same numbers each time it runs.
constexpr uint64_t kDefaultSeed = 67280421310721;

// Variables count apart from all else: `KeepState` gives back what a call drew
// but not the streams of the variables that it created.
struct Streams {
  std::mutex mutex;
  uint64_t seed = kDefaultSeed;
  Counters variables;
  Counters others;
};

Streams& streams() {
  static auto* result = new Streams();
  return *result;
}

// splitmix64 (Steele et al. 2014, "Fast splittable pseudorandom number
// generators"): neighbouring numbers give unrelated seeds.
uint64_t mix(uint64_t z) {
  z += 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

at::Generator stream(uint64_t seed, uint64_t kind, uint64_t number) {
  return at::make_generator<at::CPUGeneratorImpl>(
      mix(mix(mix(seed) ^ kind) + number));
}

// Kinds of streams.
constexpr uint64_t kVariable = 1;
constexpr uint64_t kSeeded = 2;
constexpr uint64_t kSeededVariable = 3;
constexpr uint64_t kUnseeded = 4;

at::Generator next_variable() {
  Streams& all = streams();
  std::lock_guard lock(all.mutex);
  return stream(all.seed, kVariable, all.variables.unseeded++);
}

thread_local at::Generator* creation = nullptr;

}  // namespace

void seed(uint64_t value) {
  Streams& all = streams();
  {
    std::lock_guard lock(all.mutex);
    all.seed = value;
    all.variables = {};
    all.others = {};
  }
  at::manual_seed(value);
}

namespace random {

at::Generator generator(const std::optional<int64_t>& seed) {
  const bool creating = creation != nullptr;
  if (creating && !seed.has_value()) return *creation;
  Streams& all = streams();
  std::lock_guard lock(all.mutex);
  if (!seed.has_value()) {
    return stream(all.seed, kUnseeded, all.others.unseeded++);
  }
  Counters& counters = creating ? all.variables : all.others;
  return stream(all.seed ^ mix(static_cast<uint64_t>(*seed)),
                creating ? kSeededVariable : kSeeded, counters.seeded[*seed]++);
}

CreationStream::CreationStream()
    : generator_(next_variable()), outer_(creation) {
  creation = &generator_;
}

CreationStream::~CreationStream() { creation = outer_; }

struct KeepState::Saved {
  Counters others;
  at::Tensor cpu;
  std::vector<at::Tensor> cuda;
};

KeepState::KeepState() : saved_(new Saved()) {
  {
    Streams& all = streams();
    std::lock_guard lock(all.mutex);
    saved_->others = all.others;
  }
  auto cpu = at::detail::getDefaultCPUGenerator();
  {
    std::lock_guard lock(cpu.mutex());
    saved_->cpu = cpu.get_state();
  }
  if (at::globalContext().hasCUDA()) {
    for (size_t i = 0; i < at::getNumGPUs(); ++i) {
      const at::Device device(at::kCUDA, static_cast<c10::DeviceIndex>(i));
      auto gpu = at::globalContext().defaultGenerator(device);
      std::lock_guard lock(gpu.mutex());
      saved_->cuda.push_back(gpu.get_state());
    }
  }
}

KeepState::~KeepState() {
  {
    Streams& all = streams();
    std::lock_guard lock(all.mutex);
    all.others = saved_->others;
  }
  auto cpu = at::detail::getDefaultCPUGenerator();
  {
    std::lock_guard lock(cpu.mutex());
    cpu.set_state(saved_->cpu);
  }
  for (size_t i = 0; i < saved_->cuda.size(); ++i) {
    const at::Device device(at::kCUDA, static_cast<c10::DeviceIndex>(i));
    auto gpu = at::globalContext().defaultGenerator(device);
    std::lock_guard lock(gpu.mutex());
    gpu.set_state(saved_->cuda[i]);
  }
  delete saved_;
}

}  // namespace random
}  // namespace snt
