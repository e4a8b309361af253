#include "sonnet/kernels/rows/nearest.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <limits>

#include "sonnet/kernels/parallel.h"
#include "sonnet/kernels/products/panels.h"
#include "sonnet/kernels/products/tile_product.h"
#include "sonnet/kernels/rows/nearest_loops.h"
#include "sonnet/kernels/rows/row_loops.h"

namespace snt::kernels {
namespace {

// Multiply-adds, or numbers to go through, that a thread takes at a time.
constexpr int64_t kProductsOfAPart = int64_t{1} << 21;
constexpr int64_t kNumbersOfAPart = int64_t{1} << 15;

// Calls body(part, first, count) for parts of `step` each of [0, size).
template <class F>
void for_parts(int64_t size, int64_t step, const F& body) {
  parallel_for_each((size + step - 1) / step, [&](int64_t part) {
    const int64_t first = part * step;
    body(part, first, std::min(step, size - first));
  });
}

int64_t rows_of_numbers(int64_t depth) {
  return std::max<int64_t>(1, kNumbersOfAPart / depth);
}

}  // namespace

Nearest find_nearest(const at::Tensor& x, const at::Tensor& table) {
  const at::NoGradGuard no_grad;
  const int64_t n = x.size(0), depth = x.size(1), columns = table.size(1);
  const int64_t width = 2 * vector_width();
  const int64_t padded = (columns + width - 1) / width * width;
  const Panels panels = Panels::of_columns({table});
  at::Tensor squares =
      at::full({padded}, std::numeric_limits<float>::infinity(), x.options());
  squares.slice(0, 0, columns).copy_((table * table).sum(0));

  Nearest result = {.distances = at::empty({n, columns}, x.options()),
                    .encodings = at::empty({n, columns}, x.options()),
                    .indices = at::empty({n}, x.options().dtype(at::kLong)),
                    .quantized = at::empty({n, depth}, x.options()),
                    .embeddings = table.t().contiguous()};
  const int64_t tile = nearest_tile();
  const int64_t tiles =
      std::max<int64_t>(1, kProductsOfAPart / (tile * padded * depth));
  const int64_t step = tile * tiles;
  struct Found {
    double error;
    bool is_finite;
  };
  std::vector<Found> found(static_cast<size_t>((n + step - 1) / step));
  for_parts(n, step, [&](int64_t part, int64_t first, int64_t rows) {
    const at::Tensor products = at::empty({tile, padded}, at::kFloat);
    NearestArgs args = {
        .rows = rows,
        .depth = depth,
        .columns = columns,
        .padded = padded,
        .x = x.data_ptr<float>() + first * depth,
        .panels = panels.data(),
        .squares = squares.data_ptr<float>(),
        .embeddings = result.embeddings.data_ptr<float>(),
        .products = products.data_ptr<float>(),
        .distances = result.distances.data_ptr<float>() + first * columns,
        .encodings = result.encodings.data_ptr<float>() + first * columns,
        .indices = result.indices.data_ptr<int64_t>() + first,
        .quantized = result.quantized.data_ptr<float>() + first * depth,
        .error = 0,
        .is_finite = true};
    run_NearestRows(args);
    found[static_cast<size_t>(part)] = {args.error, args.is_finite};
  });
  for (const Found& part : found) {
    result.error += part.error;
    result.is_finite = result.is_finite && part.is_finite;
  }
  return result;
}

Choosers choosers(const at::Tensor& indices, int64_t k) {
  const int64_t n = indices.numel();
  const int64_t* const chosen = indices.data_ptr<int64_t>();
  Choosers result = {std::vector<int64_t>(static_cast<size_t>(k) + 1),
                     std::vector<int64_t>(static_cast<size_t>(n))};
  int64_t* const starts = result.starts.data();
  for (int64_t i = 0; i < n; ++i) ++starts[chosen[i] + 1];
  for (int64_t i = 0; i < k; ++i) starts[i + 1] += starts[i];
  std::vector<int64_t> next(result.starts.begin(), result.starts.end() - 1);
  for (int64_t i = 0; i < n; ++i) result.rows[next[chosen[i]]++] = i;
  return result;
}

at::Tensor sum_rows(const at::Tensor& x, const at::Tensor& shifts,
                    const Choosers& who) {
  const int64_t k = static_cast<int64_t>(who.starts.size()) - 1;
  const int64_t depth = x.size(1);
  const at::Tensor sums = at::empty({k, depth}, x.options());
  // Parts with about as many rows each.
  const int64_t rows = x.size(0) + k;
  const int64_t parts =
      std::clamp<int64_t>(rows / rows_of_numbers(depth), 1, k);
  for_parts(
      k, (k + parts - 1) / parts, [&](int64_t, int64_t first, int64_t count) {
        for (int64_t i = first; i < first + count; ++i) {
          SumRowsArgs args = {
              .rows = who.starts[i + 1] - who.starts[i],
              .depth = depth,
              .order = who.rows.data() + who.starts[i],
              .x = x.data_ptr<float>(),
              .shift = shifts.defined() ? shifts.data_ptr<float>() + i * depth
                                        : nullptr,
              .to = sums.data_ptr<float>() + i * depth};
          run_SumRows(args);
        }
      });
  return sums;
}

at::Tensor pull(const at::Tensor& d, const at::Tensor& x,
                const at::Tensor& embeddings, const at::Tensor& indices,
                float factor) {
  const int64_t depth = x.size(1);
  at::Tensor result = at::empty(x.sizes(), x.options());
  for_parts(x.size(0), rows_of_numbers(depth),
            [&](int64_t, int64_t first, int64_t rows) {
              const int64_t begin = first * depth;
              PullArgs args = {
                  .rows = rows,
                  .depth = depth,
                  .d = d.defined() ? d.data_ptr<float>() + begin : nullptr,
                  .x = x.data_ptr<float>() + begin,
                  .embeddings = embeddings.data_ptr<float>(),
                  .indices = indices.data_ptr<int64_t>() + first,
                  .factor = factor,
                  .to = result.data_ptr<float>() + begin};
              run_Pull(args);
            });
  return result;
}

}  // namespace snt::kernels
