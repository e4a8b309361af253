#include "sonnet/kernels/products/gemm.h"

#include <ATen/Parallel.h>
#include <oneapi/dnnl/dnnl.h>

#include <algorithm>
#include <limits>
#include <new>
#include <vector>

#include "sonnet/kernels/onednn.h"
#include "sonnet/kernels/parallel.h"

namespace snt::kernels {
namespace {

// A thread is worth waking for this many multiply-adds, about 3 us of one core,
// and for this many outputs: with fewer, and a long sum for each, oneDNN shares
// the sum instead.
constexpr double kWorkPerThread = 1 << 18;
constexpr double kOutputsPerThread = 1 << 8;

// Blocks are cut at multiples of these: a kernel's rows, and a cache line.
constexpr int64_t kRows = 8;
constexpr int64_t kColumns = 16;

int64_t up(int64_t size, int64_t parts, int64_t unit) {
  const int64_t each = (size + parts - 1) / parts;
  return std::min(size, (each + unit - 1) / unit * unit);
}

// How the output of each batch is cut: blocks of `rows` x `columns`.
struct Blocks {
  int64_t rows = 0;
  int64_t columns = 0;
};

// About `parts` blocks of one size, those that read least of a and b.
Blocks cut(int64_t m, int64_t n, int64_t parts) {
  Blocks best;
  double least = std::numeric_limits<double>::infinity();
  for (int64_t down = 1; down <= parts; ++down) {
    if (parts % down != 0) continue;
    const Blocks now = {up(m, down, kRows), up(n, parts / down, kColumns)};
    // Reading a line of a or b takes about as long as 16 multiply-adds with it.
    const double cost = static_cast<double>(now.rows) * now.columns +
                        16.0 * (now.rows + now.columns);
    if (cost < least) {
      least = cost;
      best = now;
    }
  }
  return best;
}

// Rows [i, i + rows) of the addend into `out`, in the given columns.
void place_addend(const Gemm& g, int64_t batch, int64_t i, int64_t j,
                  Blocks size, float* out) {
  const int64_t step = g.addend.column_stride;
  const float* from = g.addend.data + batch * g.addend.batch_stride +
                      i * g.addend.row_stride + j * step;
  for (int64_t row = 0; row < size.rows; ++row) {
    if (step == 1) {
      std::copy_n(from, size.columns, out);
    } else {
      for (int64_t c = 0; c < size.columns; ++c) out[c] = from[c * step];
    }
    from += g.addend.row_stride;
    out += g.out_stride;
  }
}

// The block of `batch` whose first output is (i, j).
void multiply_block(const Gemm& g, int64_t batch, int64_t i, int64_t j,
                    Blocks size) {
  const float* a = g.a.data + batch * g.a.batch_stride +
                   i * (g.a.transposed ? 1 : g.a.stride);
  const float* b = g.b.data + batch * g.b.batch_stride +
                   j * (g.b.transposed ? g.b.stride : 1);
  float* out = g.out + batch * g.out_batch_stride + i * g.out_stride + j;
  if (g.beta != 0 && g.addend.data != g.out) {
    place_addend(g, batch, i, j, size, out);
  }
  const dnnl_status_t status =
      dnnl_sgemm(g.a.transposed ? 'T' : 'N', g.b.transposed ? 'T' : 'N',
                 size.rows, size.columns, g.k, g.alpha, a, g.a.stride, b,
                 g.b.stride, g.beta, out, g.out_stride);
  if (status != dnnl_success) throw std::bad_alloc();
}

// How many threads the work is worth.
int64_t useful_threads(const Gemm& g) {
  if (at::in_parallel_region()) return 1;
  const double outputs = static_cast<double>(g.batches) * g.m * g.n;
  const double most =
      std::min(outputs * g.k / kWorkPerThread, outputs / kOutputsPerThread);
  const double threads = std::min<double>(at::get_num_threads(), most);
  return std::max<int64_t>(1, static_cast<int64_t>(threads));
}

// A first product of each kind makes oneDNN's kernels, 20 to 40 ms in all.
bool make_kernels() {
  const std::vector<float> numbers(256, 1.0F);
  std::vector<float> out(256);
  for (const char a : {'N', 'T'}) {
    for (const char b : {'N', 'T'}) {
      for (const dnnl_dim_t m : {1, 16}) {
        dnnl_sgemm(a, b, m, 16, 16, 1, numbers.data(), 16, numbers.data(), 16,
                   0, out.data(), 16);
      }
    }
  }
  stop_at_exit();
  return true;
}

}  // namespace

void gemm(const Gemm& g) {
  static const bool ready = make_kernels();
  static_cast<void>(ready);

  const int64_t threads = useful_threads(g);
  const Blocks block = cut(g.m, g.n, std::max<int64_t>(1, threads / g.batches));
  const int64_t down = (g.m + block.rows - 1) / block.rows;
  const int64_t across = (g.n + block.columns - 1) / block.columns;

  const auto run = [&](int64_t task) {
    const int64_t i = task / across % down * block.rows;
    const int64_t j = task % across * block.columns;
    multiply_block(
        g, task / (across * down), i, j,
        {std::min(block.rows, g.m - i), std::min(block.columns, g.n - j)});
  };
  const int64_t tasks = g.batches * down * across;
  if (threads > 1) {
    parallel_for_each(tasks, run);
  } else {
    for (int64_t task = 0; task < tasks; ++task) run(task);
  }
}

}  // namespace snt::kernels
