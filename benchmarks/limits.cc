// What this machine can do at best: a matrix product, and a copy of memory.

#include <ATen/Parallel.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <oneapi/dnnl/dnnl.hpp>

#include "benchmarks/workloads.h"

namespace benchmarks {
namespace {

// 2 n^3 operations in oneDNN's product of two square matrices and in the one
// that libtorch calls.
Numbers best_product(const Work&, const Timing& timing) {
  double best = 0;
  for (const int64_t n : {1024, 1536, 2048}) {
    const at::Tensor a = numbers({n, n});
    const at::Tensor b = numbers({n, n});
    const at::Tensor c = at::empty({n, n});
    const auto onednn = [=] {
      dnnl::sgemm('N', 'N', n, n, n, 1, a.data_ptr<float>(), n,
                  b.data_ptr<float>(), n, 0, c.data_ptr<float>(), n);
    };
    const auto aten = [=] {
      at::Tensor out = c;
      at::mm_out(out, a, b);
    };
    for (const std::function<void()>& step :
         {std::function<void()>(onednn), std::function<void()>(aten)}) {
      step();
      const double ms =
          median({step}, {.seconds = timing.seconds / 3}).front().second;
      best = std::max(best, product(n, n, n) / ms * 1e-6);
    }
  }
  return {{"gflop_per_s", best}};
}

// Bytes read and written by memcpy, by all threads, of an image of the rows of
// norms and of more than most caches hold.
Numbers best_copy(const Work&, const Timing& timing) {
  double best = 0;
  for (const int64_t size : {int64_t{25} << 20, int64_t{256} << 20}) {
    const at::Tensor from = at::ones({size}, at::kByte);
    const at::Tensor to = at::zeros({size}, at::kByte);
    const auto step = [=] {
      at::parallel_for(0, size, int64_t{1} << 20, [&](int64_t a, int64_t b) {
        std::memcpy(to.data_ptr<uint8_t>() + a, from.data_ptr<uint8_t>() + a,
                    static_cast<size_t>(b - a));
      });
    };
    step();
    const double ms =
        median({step}, {.seconds = timing.seconds / 2}).front().second;
    best = std::max(best, 2 * static_cast<double>(size) / ms * 1e-6);
  }
  return {{"gb_per_s", best}};
}

Work nothing() {
  return {[] {}};
}

}  // namespace

std::vector<Row> limit_rows() {
  return {{"limit_product", nothing, best_product},
          {"limit_copy", nothing, best_copy}};
}

}  // namespace benchmarks
