#include "sonnet/kernels/convolutions/winograd.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/util/FunctionRef.h>

#include <algorithm>
#include <vector>

#include "sonnet/kernels/convolutions/winograd_loops.h"
#include "sonnet/kernels/parallel.h"
#include "sonnet/kernels/products/tile_product.h"

namespace snt::kernels {
namespace {

constexpr int64_t kPlaces = kTilePlaces * kTilePlaces;
constexpr int64_t kApart = 16;  // Keeps planes and rows off the same sets.

int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

at::Tensor floats(int64_t count) { return at::empty({count}, at::kFloat); }

// A loop over [0, count): on this thread, or on all.
using Loop = c10::function_ref<void(int64_t, c10::function_ref<void(int64_t)>)>;

void serial_for_each(int64_t count, c10::function_ref<void(int64_t)> work) {
  for (int64_t i = 0; i < count; ++i) work(i);
}

// Calls body(first, count) for parts of [0, total) of about `size`, in a loop.
void for_parts(const Loop& loop, int64_t total, int64_t size,
               c10::function_ref<void(int64_t, int64_t)> body) {
  const int64_t parts = divide_up(total, size);
  loop(parts, [&](int64_t i) {
    const int64_t first = total * i / parts;
    body(first, total * (i + 1) / parts - first);
  });
}

// Tiles are taken in chunks. Where the arrays of a useful chunk fit into a
// core's own cache, each is one thread's from the first transform to the last;
// else all threads share the steps of a chunk.
struct Chunks {
  bool is_private;
  int64_t tiles;
};

Chunks chunks_of(int64_t total, int64_t numbers_per_tile) {
  constexpr int64_t kLeast = 28;  // Rows that a product wants.
  constexpr int64_t kPrivate = 1 << 18, kShared = 1 << 22;  // Floats.
  const int64_t threads = at::get_num_threads();
  const int64_t fit = kPrivate / (kPlaces * numbers_per_tile);
  if (fit >= kLeast && total >= kLeast * threads) {
    const int64_t rounds = divide_up(total, fit * threads);
    return {true, divide_up(total, rounds * threads)};
  }
  const int64_t most = std::max(kLeast, kShared / (kPlaces * numbers_per_tile));
  return {false, divide_up(total, divide_up(total, most))};
}

constexpr int64_t kTilesOfATask = 8;
constexpr int64_t kRowsOfATask = 16;  // Of transformed weights.

// The 36 products of a chunk, in `cuts` parts of their panels each.
void multiply_planes(const Loop& loop, int64_t rows, int64_t depth,
                     int64_t panels, const Planes& left, const Planes& right,
                     const Planes& out, bool adds) {
  const int64_t block = 2 * vector_width();
  const int64_t cuts = std::min<int64_t>(panels, 4);
  loop(kPlaces * cuts, [&](int64_t task) {
    const int64_t place = task / cuts, cut = task % cuts;
    const int64_t first = panels * cut / cuts;
    PlaneProductArgs args = {
        rows,
        depth,
        panels * (cut + 1) / cuts - first,
        left.data + place * left.plane,
        left.row,
        right.data + place * right.plane + first * right.part,
        right.part,
        out.data + place * out.plane + first * block,
        out.row,
        adds};
    run_PlaneProduct(args);
  });
}

// Planes whose rows are contiguous.
Planes row_planes(float* data, int64_t rows, int64_t channels) {
  const int64_t block = 2 * vector_width();
  const int64_t row = divide_up(channels, block) * block + kApart;
  return {data, rows * row + kApart, block, row};
}
// Planes made of panels.
Planes panel_planes(float* data, int64_t rows, int64_t channels) {
  const int64_t block = 2 * vector_width();
  const int64_t panels = divide_up(channels, block);
  return {data, panels * rows * block + kApart, rows * block, block};
}
int64_t numbers_of(const Planes& p) { return kPlaces * p.plane; }

struct Image {
  int64_t height, width, channels;
};
Image image_of(at::IntArrayRef sizes) { return {sizes[2], sizes[3], sizes[1]}; }

ImageTiles tiles_of(const Image& image, const Image& cut) {
  return {image.height,
          image.width,
          image.channels,
          divide_up(cut.height, kTileSide),
          divide_up(cut.width, kTileSide),
          0,
          0};
}

ImageTiles part_of(ImageTiles tiles, int64_t first, int64_t count) {
  tiles.first = first;
  tiles.count = count;
  return tiles;
}

TileWeights weights_of(const ConvProblem& p, at::IntArrayRef strides) {
  return {p.w[1], p.w[0], strides[2], strides[3], strides[1], strides[0]};
}

// `to` = the correlation of the images `from`, of which `top` and `left` rows
// and columns of zeros come first, with the weights.
struct Correlation {
  int64_t images;
  Image from, to;
  const float* x;
  int64_t top, left;
  TileWeights shape;
  const float* w;
  OutputTilesArgs after;  // Its tiles and `from` are set here.
};

void correlate(const Correlation& c) {
  const int64_t panels = divide_up(c.to.channels, 2 * vector_width());
  Planes weights = panel_planes(nullptr, c.from.channels, c.to.channels);
  const at::Tensor memory = floats(numbers_of(weights));
  weights.data = memory.data_ptr<float>();
  for_parts(parallel_for_each, c.from.channels, kRowsOfATask,
            [&](int64_t first, int64_t count) {
              WeightsArgs args = {c.shape, c.w, first, first + count, weights};
              run_WeightTiles(args);
            });

  const ImageTiles from = tiles_of(c.from, c.to), to = tiles_of(c.to, c.to);
  const auto run_chunk = [&](const Loop& loop, int64_t first, int64_t count) {
    Planes left = row_planes(nullptr, count, c.from.channels);
    Planes sums = row_planes(nullptr, count, c.to.channels);
    const at::Tensor chunk = floats(numbers_of(left) + numbers_of(sums));
    left.data = chunk.data_ptr<float>();
    sums.data = left.data + numbers_of(left);

    for_parts(loop, count, kTilesOfATask, [&](int64_t begin, int64_t some) {
      Planes here = left;
      here.data += begin * left.row;
      InputTilesArgs args = {part_of(from, first + begin, some), c.x, c.top,
                             c.left, here};
      run_InputTiles(args);
    });
    multiply_planes(loop, count, c.from.channels, panels, left, weights, sums,
                    /*adds=*/false);
    for_parts(loop, count, kTilesOfATask, [&](int64_t begin, int64_t some) {
      OutputTilesArgs args = c.after;
      args.tiles = part_of(to, first + begin, some);
      args.from = sums;
      args.from.data += begin * sums.row;
      run_OutputTiles(args);
    });
  };

  const int64_t total = c.images * to.down * to.across;
  const Chunks chunks = chunks_of(total, c.from.channels + c.to.channels);
  for_parts(chunks.is_private ? Loop(parallel_for_each) : Loop(serial_for_each),
            total, chunks.tiles, [&](int64_t first, int64_t count) {
              run_chunk(chunks.is_private ? Loop(serial_for_each)
                                          : Loop(parallel_for_each),
                        first, count);
            });
}

// Adds the rows of a plane to `sums`.
void add_rows(const Planes& planes, int64_t place, int64_t rows,
              std::vector<double>& sums) {
  const int64_t block = 2 * vector_width();
  for (int64_t r = 0; r < rows; ++r) {
    for (size_t c = 0; c < sums.size(); ++c) {
      const auto i = static_cast<int64_t>(c);
      sums[c] += planes.data[place * planes.plane + i / block * planes.part +
                             r * planes.row + i % block];
    }
  }
}

void correlate_gradients(const ConvProblem& p, const TileWeights& shape,
                         const ConvArrays& a) {
  // Of a transformed gradient: the sum of all 4 x 4.
  constexpr int64_t kSum = kTilePlaces + 1;
  const int64_t depth = shape.depth, columns = shape.columns;
  const int64_t panels = divide_up(columns, 2 * vector_width());
  const Image x = image_of(p.x), y = image_of(p.y);
  const ImageTiles from = tiles_of(x, y), to = tiles_of(y, y);
  const int64_t total = p.x[0] * to.down * to.across;
  const Chunks chunks = chunks_of(total, depth + columns);

  // Sums are those of a thread where chunks are, and always in the same order.
  const int64_t parts = chunks.is_private ? at::get_num_threads() : 1;
  Planes sums = row_planes(nullptr, depth, columns);
  const int64_t copy = numbers_of(sums);
  const at::Tensor memory = at::empty({parts * copy}, at::kFloat);
  std::vector<std::vector<double>> bias_sums(static_cast<size_t>(parts));

  const auto run_chunk = [&](const Loop& loop, int64_t part, int64_t first,
                             int64_t count) {
    Planes left = row_planes(nullptr, count, depth);
    Planes right = panel_planes(nullptr, count, columns);
    const at::Tensor chunk = floats(numbers_of(left) + numbers_of(right));
    left.data = chunk.data_ptr<float>();
    right.data = left.data + numbers_of(left);
    Planes out = sums;
    out.data = memory.data_ptr<float>() + part * copy;

    for_parts(loop, count, kTilesOfATask, [&](int64_t begin, int64_t some) {
      InputTilesArgs args = {part_of(from, first + begin, some), a.x,
                             p.window.before[0], p.window.before[1], left};
      args.to.data += begin * left.row;
      run_InputTiles(args);
      args = {part_of(to, first + begin, some), a.y, 0, 0, right};
      args.to.data += begin * right.row;
      run_OutputGradientTiles(args);
    });
    multiply_planes(loop, depth, count, panels, left, right, out,
                    /*adds=*/true);
    if (a.b != nullptr) {
      add_rows(right, kSum, count, bias_sums[static_cast<size_t>(part)]);
    }
  };
  const auto run_part = [&](const Loop& loop, int64_t part) {
    bias_sums[static_cast<size_t>(part)].resize(
        a.b != nullptr ? static_cast<size_t>(columns) : 0);
    loop(kPlaces, [&](int64_t place) {
      std::fill_n(memory.data_ptr<float>() + part * copy + place * sums.plane,
                  sums.plane, 0.0f);
    });
    const int64_t begin = total * part / parts;
    const int64_t count = total * (part + 1) / parts - begin;
    if (count == 0) return;
    for_parts(serial_for_each, count, chunks.tiles,
              [&](int64_t first, int64_t some) {
                run_chunk(loop, part, begin + first, some);
              });
  };
  if (parts > 1) {
    parallel_for_each(parts,
                      [&](int64_t part) { run_part(serial_for_each, part); });
  } else {
    run_part(parallel_for_each, 0);
  }

  sums.data = memory.data_ptr<float>();
  for_parts(parallel_for_each, depth, kRowsOfATask,
            [&](int64_t first, int64_t count) {
              WeightGradientArgs args = {shape, sums,          parts, copy,
                                         first, first + count, a.w};
              run_WeightGradientTiles(args);
            });
  if (a.b == nullptr) return;
  for (int64_t c = 0; c < columns; ++c) {
    double sum = 0;
    for (const auto& each : bias_sums) sum += each[static_cast<size_t>(c)];
    a.b[c] = static_cast<float>(sum);
  }
}

}  // namespace

bool pays_winograd(const ConvProblem& p) {
  if (p.x.size() != 4 || !are_all(p.w.slice(2), 3) ||
      !are_all(p.window.stride, 1) || !are_all(p.window.rate, 1) ||
      p.window.groups != 1) {
    return false;
  }
  // Channels fill vectors, and products are most of the work.
  if (p.w[0] < 16 || p.w[1] < 16) return false;
  // Multiplications for each pair of channels. The transforms of a tile take as
  // long as 5 of them, those of the weights as long as 50 tiles.
  const int64_t pixels = p.y[0] * p.y[2] * p.y[3];
  const int64_t tiles =
      p.y[0] * divide_up(p.y[2], kTileSide) * divide_up(p.y[3], kTileSide);
  return (kPlaces + 5) * tiles + 50 * kPlaces < 8 * pixels;
}

void run_winograd(const ConvProblem& p, at::IntArrayRef w_strides,
                  ConvPass pass, const ConvArrays& a, bool relu) {
  TileWeights shape = weights_of(p, w_strides);
  if (pass == ConvPass::w) return correlate_gradients(p, shape, a);

  const Image x = image_of(p.x), y = image_of(p.y);
  if (pass == ConvPass::y) {
    return correlate({p.x[0],
                      x,
                      y,
                      a.x,
                      p.window.before[0],
                      p.window.before[1],
                      shape,
                      a.w,
                      {{}, {}, a.factor, a.b, a.addend, relu, a.y}});
  }
  // The gradient of x: turned weights over that of y.
  const float* const last = a.w + 2 * (shape.down + shape.across);
  shape = {shape.columns, shape.depth,     -shape.down,
           -shape.across, shape.to_column, shape.to_depth};
  correlate({p.x[0],
             y,
             x,
             a.y,
             2 - p.window.before[0],
             2 - p.window.before[1],
             shape,
             last,
             {{}, {}, nullptr, nullptr, nullptr, false, a.x}});
}

}  // namespace snt::kernels
