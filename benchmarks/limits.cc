// What this machine can do at best: a matrix product, and reading and writing
// of memory.

#include <ATen/Parallel.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <oneapi/dnnl/dnnl.hpp>
#include <string>

#include "benchmarks/workloads.h"
#include "sonnet/kernels/parallel.h"

namespace benchmarks {
namespace {

// Milliseconds of the quickest of many steps.
double least_ms(const std::function<void()>& step, double seconds) {
  using Ms = std::chrono::duration<double, std::milli>;
  double least = 1e30, total = 0;
  step();
  for (int i = 0; i < 5 || total < seconds * 1e3; ++i) {
    const auto start = std::chrono::steady_clock::now();
    step();
    const double ms = Ms(std::chrono::steady_clock::now() - start).count();
    least = std::min(least, ms);
    total += ms;
  }
  return least;
}

// 2 n^3 operations in oneDNN's product of two square matrices and in the one
// that libtorch calls.
Numbers best_product(const Work&, const Timing& timing) {
  double best = 0;
  for (const int64_t n : {1024, 1536, 2048}) {
    const at::Tensor a = numbers({n, n});
    const at::Tensor b = numbers({n, n});
    at::Tensor c = at::empty({n, n});
    const auto onednn = [&] {
      dnnl::sgemm('N', 'N', n, n, n, 1, a.data_ptr<float>(), n,
                  b.data_ptr<float>(), n, 0, c.data_ptr<float>(), n);
    };
    const auto aten = [&] { at::mm_out(c, a, b); };
    for (const std::function<void()>& step :
         {std::function<void()>(onednn), std::function<void()>(aten)}) {
      const double ms = least_ms(step, timing.seconds / 3);
      best = std::max(best, product(n, n, n) / ms * 1e-6);
    }
  }
  return {{"gflop_per_s", best}};
}

// Ways to go through memory: `count` numbers of each of four arrays, `used` of
// which are read or written; `passes` of them, read and write counted each.
using Arrays = std::array<float*, 4>;
struct Way {
  int used, passes;
  void (*go)(const Arrays& x, int64_t count);
};

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define WIDE                                                     \
  __attribute__((optimize("O3"), target_clones("arch=x86-64-v4", \
                                               "arch=x86-64-v3", "default")))
#else
#define WIDE
#endif

WIDE void read(const Arrays& x, int64_t count) {
  constexpr int64_t kLanes = 128;
  float sums[kLanes] = {};
  for (int64_t i = 0; i + kLanes <= count; i += kLanes) {
    for (int64_t k = 0; k < kLanes; ++k) sums[k] += x[0][i + k];
  }
  volatile float sum = 0;
  for (const float lane : sums) sum = sum + lane;
}

void copy(const Arrays& x, int64_t count) {
  std::memcpy(x[1], x[0], static_cast<size_t>(count) * sizeof(float));
}

WIDE void update(const Arrays& x, int64_t count) {
  float* __restrict a = x[0];
  for (int64_t i = 0; i < count; ++i) a[i] += 1e-9F;
}

// As Adam's: three arrays change by themselves and by a fourth.
WIDE void update_three(const Arrays& x, int64_t count) {
  float* __restrict a = x[0], * __restrict b = x[1], * __restrict c = x[2];
  const float* __restrict g = x[3];
  for (int64_t i = 0; i < count; ++i) {
    b[i] = 0.9F * b[i] + g[i];
    c[i] = 0.9F * c[i] + g[i] * g[i];
    a[i] += 1e-9F * b[i] * c[i];
  }
}

// {{"gb_per_s_<MiB>", bytes that all threads read and write}, ...}: the best
// way, by the size of all arrays together. `initialize` has given the arrays
// huge pages.
Numbers best_memory(const Work&, const Timing& timing) {
  Numbers found;
  for (const int64_t mib : {1, 4, 16, 64, 256}) {
    double best = 0;
    for (const Way& way : {Way{1, 1, read}, Way{2, 2, copy}, Way{1, 2, update},
                           Way{4, 7, update_three}}) {
      const int64_t count = (mib << 20) / 4 / way.used;
      const at::Tensor memory = at::ones({way.used, count});
      const int64_t threads = at::get_num_threads();
      const auto step = [&] {
        snt::kernels::parallel_for_each(threads, [&](int64_t thread) {
          const int64_t begin = thread * count / threads;
          Arrays x = {};
          for (int i = 0; i < way.used; ++i) {
            x[static_cast<size_t>(i)] =
                memory.data_ptr<float>() + i * count + begin;
          }
          way.go(x, (thread + 1) * count / threads - begin);
        });
      };
      const double ms = least_ms(step, timing.seconds / 5);
      best = std::max(
          best, bytes(static_cast<double>(way.passes * count)) / ms * 1e-6);
    }
    found.emplace_back("gb_per_s_" + std::to_string(mib), best);
  }
  return found;
}

Work nothing() {
  return {[] {}};
}

}  // namespace

std::vector<Row> limit_rows() {
  return {{"limit_product", nothing, best_product},
          {"limit_memory", nothing, best_memory}};
}

}  // namespace benchmarks
