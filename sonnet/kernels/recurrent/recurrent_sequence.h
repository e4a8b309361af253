// File: kernels/recurrent/recurrent_sequence.h
// What the kernels for whole sequences share.
//
// A sequence [T, B, I] is cut into shares of rows of the batch, which know
// nothing of each other: each thread runs all steps of its share, with the
// weights packed for kernels/products/tile_product.h, without waiting for
// another. In the backward pass the gradients of the weights are one product
// over all steps at the end.

#pragma once

#include <ATen/core/Tensor.h>
#include <c10/util/FunctionRef.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <initializer_list>
#include <memory>
#include <vector>

#include "sonnet/kernels/products/tile_product.h"

namespace snt::kernels {

// Whether all are plain (kernels/plain.h), the kernels are switched on, and
// nothing wants to see single operations; `lengths` are undefined or [B], where
// the first tensor is [T, B, I]. Without lengths also those that cuDNN takes
// (kernels/recurrent/libtorch_sequence.h).
bool takes_sequence(std::initializer_list<const at::Tensor*> tensors,
                    const at::Tensor& lengths);

// Numbers of a [B, N] or [T, B, N] tensor, where steps and rows may be anywhere
// and columns are next to each other or (stride 0) all the same.
struct Rows {
  const float* data = nullptr;  // May be nullptr: zeros.
  int64_t step_stride = 0, row_stride = 0, column_stride = 1;

  Rows() = default;
  // Of a tensor that outlives this, or an undefined one. Not for others than
  // those above: see `as_rows`.
  explicit Rows(const at::Tensor& tensor);

  const float* at(int64_t step, int64_t row) const {
    return data + step * step_stride + row * row_stride;
  }
};

// Some rows of the batch, those with most steps first.
struct Share {
  int64_t index, rows;
  const int64_t* row;     // [rows]: where in the batch they are.
  const int64_t* length;  // [rows]: how many steps each has, in [0, T].

  // The most that one of them has.
  int64_t steps() const { return length[0]; }
  // How many of the rows have a step t: the first ones.
  int64_t rows_at(int64_t t) const {
    int64_t count = rows;
    while (count > 0 && length[count - 1] <= t) --count;
    return count;
  }
};

// The batch in shares of about the same size, a few for each thread: what takes
// longest first.
class Shares {
 public:
  // `lengths` are those of a sequence of `steps` steps, as in LstmSequence.
  Shares(int64_t steps, int64_t batch, const at::Tensor& lengths);
  int64_t count() const { return count_; }
  // Calls work(share) for all, on several threads.
  void for_each(c10::function_ref<void(const Share&)> work) const;

 private:
  int64_t count_;
  std::vector<int64_t> rows_, lengths_;  // [B], by falling length.
};

// Where rows have ended: repeats their last y [T, B, columns], zeros if they
// have none, and copies it to `h_last` [B, columns] if that is not nullptr, or
// `h_first` if they have none.
void finish_rows(const Share& share, int64_t steps, int64_t batch,
                 int64_t columns, const Rows& h_first, float* y, float* h_last);

// The backward pass of that, to rows of their own: adds what repeated rows add
// to the gradient of their last y.
void add_repeated(const Share& share, int64_t steps, int64_t columns,
                  const Rows& dy, float* dh, int64_t stride);

// Lengths, defined or not, as an argument that autograd does not look at.
struct Lengths {
  at::Tensor value;
};

// `now` for rows that have a step t, else `before`: both [B, N].
at::Tensor hold_ended(const at::Tensor& lengths, int64_t t,
                      const at::Tensor& now, const at::Tensor& before);

// Adds h after step t [B, H] to the outputs: for ended rows the output before,
// or zeros.
void keep_output(const at::Tensor& lengths, const at::Tensor& h,
                 std::vector<at::Tensor>& outputs);

// For what the loops write: zeros if they may leave out rows.
at::Tensor array_for(const at::Tensor& lengths, at::IntArrayRef shape);

// result = left^T right: the gradient of weights that are between them.
//
//   left [rows, M], right [rows, N], result [M, N]   float32, rows anywhere,
//                                                    columns side by side
void transposed_product(const at::Tensor& left, const at::Tensor& right,
                        const at::Tensor& result);

// A bias of `gates` parts, with zeros behind each: [gates, padded].
at::Tensor padded_bias(const at::Tensor& b, int64_t gates, int64_t padded);

// `count` rounded up to a multiple of `unit`.
constexpr int64_t round_up(int64_t count, int64_t unit) {
  return (count + unit - 1) / unit * unit;
}

// A stride for rows of `count` floats, of which several are read side by side:
// no large power of two, for the cache's sake.
constexpr int64_t row_stride(int64_t count) {
  const int64_t stride = round_up(count, 16);
  return stride % 128 == 0 ? stride + 16 : stride;
}

// Zeros for a kernel to work with, on a cache line of their own.
class Scratch {
 public:
  explicit Scratch(int64_t count);
  // The next `count`.
  float* take(int64_t count) {
    float* const taken = next_;
    next_ += round_up(count, 16);
    return taken;
  }
  // What `take` takes.
  static constexpr int64_t size(int64_t count) { return round_up(count, 16); }

 private:
  struct Free {
    void operator()(float* memory) const { std::free(memory); }
  };
  std::unique_ptr<float[], Free> memory_;
  float* next_;
};

// The shares' parts of the gradient of a bias [gates, padded].
class BiasShares {
 public:
  BiasShares(const Shares& shares, int64_t gates, int64_t padded);
  // Zeros for one share.
  float* of(const Share& share);
  // All together, without the padding: [gates * size].
  at::Tensor sum(int64_t size) const;

 private:
  at::Tensor parts_;  // [shares, gates, padded]
};

// `tensor` itself if it can be taken as Rows, else contiguous; undefined stays.
at::Tensor as_rows(const at::Tensor& tensor);

// Copies `columns` numbers of each row of the share at one step to rows of
// their own. Leaves these alone if there are no numbers.
void copy_rows(const Rows& from, int64_t step, const Share& share,
               int64_t columns, float* to, int64_t stride);

// Copies rows of their own to those of the share in a [B, columns] array; not
// if that is nullptr.
void copy_rows(const float* from, int64_t stride, const Share& share,
               int64_t columns, float* to);

// Columns [column, column + kWidth) of a row, of which `count` >= 1 exist.
template <class Isa>
SNT_INLINE Floats<Isa> load_columns(const Rows& rows, int64_t step, int64_t row,
                                    int64_t column, int64_t count) {
  const float* const from = rows.at(step, row);
  if (rows.column_stride == 1) return load<Isa>(from + column, count);
  return Floats<Isa>{} + *from;
}

// left times all panels for `columns`, which are written to the rows of the
// share in a [B, columns] array. `room` is for [rows, 2 kWidth].
template <class Isa>
SNT_INLINE void multiply_to_rows(const Share& share, int64_t depth,
                                 const float* left, int64_t stride,
                                 const float* panels, int64_t columns,
                                 float* room, float* to) {
  constexpr int64_t kPanel = 2 * Isa::kWidth;
  for (int64_t column = 0; column < columns; column += kPanel) {
    multiply(Isa(), share.rows, depth, left, stride, panels, room, kPanel);
    panels += depth * kPanel;
    const int64_t count = columns - column < kPanel ? columns - column : kPanel;
    for (int64_t r = 0; r < share.rows; ++r) {
      __builtin_memcpy(to + share.row[r] * columns + column, room + r * kPanel,
                       static_cast<size_t>(count) * sizeof(float));
    }
  }
}

template <class Isa>
SNT_INLINE void add_to(float* sum, const Floats<Isa>& value) {
  store<Isa>(sum, load<Isa>(sum) + value);
}

}  // namespace snt::kernels
