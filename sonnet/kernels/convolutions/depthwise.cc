#include "sonnet/kernels/convolutions/depthwise.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <vector>

#include "sonnet/kernels/convolutions/depthwise_loops.h"
#include "sonnet/kernels/convolutions/taps.h"
#include "sonnet/kernels/parallel.h"
#include "sonnet/kernels/plain.h"

namespace snt::kernels {
namespace {

using at::IntArrayRef;
using at::Tensor;

// A task writes about so many numbers: what it meets stays in a core's cache.
constexpr int64_t kNumbersOfTask = 1 << 15;

// So much of a row at a time: all channels of some neighbouring pixels, so that
// memory is met nearly in order.
constexpr int64_t kNumbersOfPiece = 640;
constexpr int64_t kFewestPixels = 8;

// An array [N, C, height, width] with its channels last, that is read.
struct Images {
  Tensor held;
  int64_t height, width;
  int64_t image, row, pixel;  // Steps in floats.

  DepthwiseImage at(int64_t i) const {
    return {held.data_ptr<float>() + i * image, row, pixel};
  }
};
Images dense(const Tensor& t) {
  const int64_t pixel = t.size(1), row = pixel * t.size(3);
  return {t, t.size(2), t.size(3), row * t.size(2), row, pixel};
}
// A gradient, which may come in any order; that of a sum is one number.
Images images_of(const Tensor& dy) {
  if (dy.numel() > 1 &&
      std::all_of(dy.strides().begin(), dy.strides().end(),
                  [](int64_t stride) { return stride == 0; })) {
    const Tensor one = dy.flatten()[0].expand({dy.size(1)}).contiguous();
    return {one, dy.size(2), dy.size(3), 0, 0, 0};
  }
  return dense(dy.contiguous(at::MemoryFormat::ChannelsLast));
}

Tensor empty_images(IntArrayRef sizes, const Tensor& like) {
  return at::empty_strided(sizes, channels_last_strides(sizes), like.options());
}

TapAxis axis_of(IntArrayRef x, IntArrayRef w, IntArrayRef y,
                const ConvWindow& window, int64_t i) {
  const auto k = static_cast<size_t>(i);
  return {x[2 + k],         w[2 + k],       y[2 + k],
          window.stride[k], window.rate[k], window.before[k]};
}

// The rows of all images, one after the other, in shares of about the same
// size, one for each task.
struct Shares {
  int64_t images, height, count;

  int64_t begin(int64_t share) const { return images * height * share / count; }
  // Calls body(image, first, rows) for what a share has of each image.
  template <class F>
  void for_images(int64_t share, const F& body) const {
    const int64_t end = begin(share + 1);
    for (int64_t row = begin(share); row < end;) {
      const int64_t image = row / height;
      const int64_t now = std::min(end, (image + 1) * height) - row;
      body(image, row - image * height, now);
      row += now;
    }
  }
};

// How many tasks write the images, whatever the number of threads.
int64_t count_tasks(IntArrayRef sizes) {
  const int64_t rows_each =
      std::max<int64_t>(1, kNumbersOfTask / (sizes[1] * sizes[3]));
  return (sizes[0] * sizes[2] + rows_each - 1) / rows_each;
}

// Two of the three arrays from the others: see DepthwiseArgs.
struct Pass {
  TapAxis rows, columns;
  std::vector<TapRun> (*taps)(const TapAxis&);
  Images from;
  Tensor w;  // [C, 1, height, width]
  Tensor b = {}, to = {}, with = {};
  Tensor products = {};  // Of each task: [tasks, height, width, C], zeros.
  Tensor sums = {};      // Of the numbers of `from`: [tasks, C], zeros.
};

float* part_or_null(const Tensor& t, int64_t i) {
  if (!t.defined()) return nullptr;
  return t.data_ptr<float>() + i * (t.numel() / t.size(0));
}

void run(const Pass& pass) {
  const Tensor& to = pass.to.defined() ? pass.to : pass.with;
  const int64_t channels = to.size(1);
  const Tensor w = pass.w.select(1, 0).movedim(0, -1).contiguous();
  const std::vector<TapRun> rows = by_place(pass.taps(pass.rows));
  const std::vector<TapRun> columns =
      in_pieces(pass.taps(pass.columns),
                std::max(kFewestPixels, kNumbersOfPiece / channels));
  const Shares all = {to.size(0), to.size(2), count_tasks(to.sizes())};
  const Shares sums = {to.size(0), pass.from.height, all.count};

  parallel_for_each(all.count, [&](int64_t task) {
    all.for_images(task, [&](int64_t image, int64_t first, int64_t count) {
      DepthwiseArgs args = {.rows = rows.data() + first,
                            .row_count = count,
                            .columns = &columns,
                            .width = to.size(3),
                            .channels = channels,
                            .from = pass.from.at(image),
                            .w = w.data_ptr<float>(),
                            .w_row = pass.columns.w * channels,
                            .b = elements_or_null(pass.b),
                            .to = part_or_null(pass.to, image),
                            .with = part_or_null(pass.with, image),
                            .products = part_or_null(pass.products, task)};
      run_Depthwise(args);
    });
    if (!pass.sums.defined()) return;
    sums.for_images(task, [&](int64_t image, int64_t first, int64_t count) {
      DepthwiseImage from = pass.from.at(image);
      from.data += first * from.row;
      PixelSumArgs args = {from, count, pass.from.width, channels,
                           part_or_null(pass.sums, task)};
      run_PixelSum(args);
    });
  });
}

// The sum of the tasks' parts, in their order.
Tensor total(const Tensor& parts) {
  const Tensor sum = at::zeros(parts.sizes().slice(1), parts.options());
  PixelSumArgs args = {{parts.data_ptr<float>(), 0, sum.numel()},
                       1,
                       parts.size(0),
                       sum.numel(),
                       sum.data_ptr<float>()};
  run_PixelSum(args);
  return sum;
}

}  // namespace

bool is_depthwise(const Tensor& w, const ConvWindow& window) {
  return w.dim() == 4 && w.size(1) == 1 && w.size(0) == window.groups &&
         window.groups >= kFewestDepthwiseChannels;
}

Tensor depthwise_y(const Tensor& x, const Tensor& w, const Tensor& b,
                   const ConvWindow& window, IntArrayRef y_sizes) {
  const Tensor y = empty_images(y_sizes, x);
  run({.rows = axis_of(x.sizes(), w.sizes(), y_sizes, window, 0),
       .columns = axis_of(x.sizes(), w.sizes(), y_sizes, window, 1),
       .taps = taps_of_y,
       .from = dense(x),
       .w = w,
       .b = b,
       .to = y});
  return y;
}

Tensor depthwise_x(const Tensor& dy, const Tensor& w, const ConvWindow& window,
                   IntArrayRef x_sizes) {
  const Tensor x = empty_images(x_sizes, dy);
  run({.rows = axis_of(x_sizes, w.sizes(), dy.sizes(), window, 0),
       .columns = axis_of(x_sizes, w.sizes(), dy.sizes(), window, 1),
       .taps = taps_of_x,
       .from = images_of(dy),
       .w = w,
       .to = x});
  return x;
}

DepthwiseGradients depthwise_gradients(const Tensor& x, const Tensor& dy,
                                       const Tensor& w,
                                       const ConvWindow& window,
                                       const DepthwiseWanted& wanted) {
  if (!wanted.x && !wanted.w) {
    return {Tensor(), Tensor(), wanted.b ? dy.sum({0, 2, 3}) : Tensor()};
  }
  const int64_t tasks = count_tasks(x.sizes()), channels = x.size(1);
  Pass pass = {.rows = axis_of(x.sizes(), w.sizes(), dy.sizes(), window, 0),
               .columns = axis_of(x.sizes(), w.sizes(), dy.sizes(), window, 1),
               .taps = taps_of_x,
               .from = images_of(dy),
               .w = w};
  if (wanted.x) pass.to = empty_images(x.sizes(), x);
  if (wanted.w) {
    pass.with = x;
    pass.products =
        at::zeros({tasks, w.size(2), w.size(3), channels}, x.options());
  }
  if (wanted.b) pass.sums = at::zeros({tasks, channels}, x.options());
  run(pass);

  DepthwiseGradients d;
  d.x = pass.to;
  if (wanted.w) {
    d.w = w.is_non_overlapping_and_dense()
              ? at::empty_strided(w.sizes(), w.strides(), w.options())
              : at::empty(w.sizes(), w.options());
    d.w.select(1, 0).copy_(total(pass.products).movedim(-1, 0));
  }
  if (wanted.b) d.b = total(pass.sums);
  return d;
}

}  // namespace snt::kernels
