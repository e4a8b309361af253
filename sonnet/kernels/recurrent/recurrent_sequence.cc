#include "sonnet/kernels/recurrent/recurrent_sequence.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <numeric>

#include "sonnet/kernels/onednn.h"
#include "sonnet/kernels/parallel.h"
#include "sonnet/kernels/plain.h"
#include "sonnet/kernels/products/gemm.h"
#include "sonnet/kernels/recurrent/libtorch_sequence.h"
#include "sonnet/kernels/switches.h"

namespace snt::kernels {
namespace {

// Rows of a share: at least, so that the weights are read for several rows at
// a time, and at most, so that what belongs to them stays in the cache.
constexpr int64_t kFewest = 4, kMost = 14;

}  // namespace

bool takes_sequence(std::initializer_list<const at::Tensor*> tensors,
                    const at::Tensor& lengths) {
  if (!switches().recurrent_sequences.load(std::memory_order_relaxed)) {
    return false;
  }
  if (!lengths.defined() && are_for_cudnn(tensors)) return true;
  const at::Tensor& x = **tensors.begin();
  const bool fit =
      !lengths.defined() || (lengths.is_cpu() && lengths.dim() == 1 &&
                             x.dim() == 3 && lengths.size(0) == x.size(1));
  return fit && nothing_watches() &&
         std::all_of(tensors.begin(), tensors.end(),
                     [](const at::Tensor* t) { return is_plain(*t); });
}

Shares::Shares(int64_t steps, int64_t batch, const at::Tensor& lengths)
    : rows_(batch), lengths_(batch, steps) {
  std::iota(rows_.begin(), rows_.end(), 0);
  if (lengths.defined()) {
    const at::Tensor all = lengths.to(at::kLong).clamp(0, steps).contiguous();
    const int64_t* const length = all.data_ptr<int64_t>();
    std::stable_sort(rows_.begin(), rows_.end(), [&](int64_t a, int64_t b) {
      return length[a] > length[b];
    });
    std::transform(rows_.begin(), rows_.end(), lengths_.begin(),
                   [&](int64_t row) { return length[row]; });
  }
  const int64_t threads = std::max(at::get_num_threads(), 1);
  count_ = std::min(round_up((batch + kMost - 1) / kMost, threads),
                    (batch + kFewest - 1) / kFewest);
}

void Shares::for_each(c10::function_ref<void(const Share&)> work) const {
  parallel_for_each(count_, [&](int64_t i) {
    const auto batch = static_cast<int64_t>(rows_.size());
    const int64_t first = i * batch / count_;
    work({i, (i + 1) * batch / count_ - first, rows_.data() + first,
          lengths_.data() + first});
  });
}

void finish_rows(const Share& share, int64_t steps, int64_t batch,
                 int64_t columns, const Rows& h_first, float* y,
                 float* h_last) {
  const auto at_step = [&](int64_t t, int64_t r) {
    return y + (t * batch + share.row[r]) * columns;
  };
  for (int64_t r = 0; r < share.rows; ++r) {
    const int64_t length = share.length[r];
    for (int64_t t = length; t < steps; ++t) {
      if (length == 0) {
        std::fill_n(at_step(t, r), columns, 0.0f);
      } else {
        std::copy_n(at_step(length - 1, r), columns, at_step(t, r));
      }
    }
    if (h_last == nullptr) continue;
    const Share one = {share.index, 1, share.row + r, share.length + r};
    if (length == 0) {
      copy_rows(h_first, 0, one, columns, h_last + *one.row * columns, columns);
    } else {
      copy_rows(at_step(length - 1, r), columns, one, columns, h_last);
    }
  }
}

void add_repeated(const Share& share, int64_t steps, int64_t columns,
                  const Rows& dy, float* dh, int64_t stride) {
  if (dy.data == nullptr) return;
  for (int64_t r = 0; r < share.rows; ++r, dh += stride) {
    if (share.length[r] == 0) continue;
    for (int64_t t = share.length[r]; t < steps; ++t) {
      const float* const from = dy.at(t, share.row[r]);
      for (int64_t i = 0; i < columns; ++i) dh[i] += from[i * dy.column_stride];
    }
  }
}

at::Tensor hold_ended(const at::Tensor& lengths, int64_t t,
                      const at::Tensor& now, const at::Tensor& before) {
  if (!lengths.defined()) return now;
  return at::where(lengths.gt(t).unsqueeze(1), now, before);
}

void keep_output(const at::Tensor& lengths, const at::Tensor& h,
                 std::vector<at::Tensor>& outputs) {
  const auto t = static_cast<int64_t>(outputs.size());
  outputs.push_back(
      hold_ended(lengths, t, h, t == 0 ? at::zeros_like(h) : outputs.back()));
}

at::Tensor array_for(const at::Tensor& lengths, at::IntArrayRef shape) {
  return lengths.defined() ? at::zeros(shape, at::kFloat)
                           : at::empty(shape, at::kFloat);
}

void transposed_product(const at::Tensor& left, const at::Tensor& right,
                        const at::Tensor& result) {
  if (!is_alive()) {
    result.copy_(at::mm(left.t(), right));
    return;
  }
  // The stride of a single row may be anything.
  const auto stride = [](const at::Tensor& t) {
    return std::max(t.stride(0), t.size(1));
  };
  gemm({.m = left.size(1),
        .n = right.size(1),
        .k = left.size(0),
        .a = {.data = left.data_ptr<float>(),
              .stride = stride(left),
              .transposed = true},
        .b = {.data = right.data_ptr<float>(), .stride = stride(right)},
        .out = result.data_ptr<float>(),
        .out_stride = stride(result)});
}

at::Tensor padded_bias(const at::Tensor& b, int64_t gates, int64_t padded) {
  const at::Tensor parts = b.reshape({gates, -1});
  return at::constant_pad_nd(parts, {0, padded - parts.size(1)}).contiguous();
}

Scratch::Scratch(int64_t count) {
  const size_t bytes = static_cast<size_t>(round_up(count, 16)) * sizeof(float);
  memory_.reset(static_cast<float*>(std::aligned_alloc(64, bytes)));
  if (!memory_) throw std::bad_alloc();
  std::memset(memory_.get(), 0, bytes);
  next_ = memory_.get();
}

BiasShares::BiasShares(const Shares& shares, int64_t gates, int64_t padded)
    : parts_(at::zeros({shares.count(), gates, padded}, at::kFloat)) {}

float* BiasShares::of(const Share& share) {
  return parts_.data_ptr<float>() + share.index * parts_.stride(0);
}

at::Tensor BiasShares::sum(int64_t size) const {
  return parts_.sum(0).slice(1, 0, size).flatten();
}

Rows::Rows(const at::Tensor& tensor) {
  if (!tensor.defined()) return;
  data = tensor.data_ptr<float>();
  if (tensor.dim() == 3) step_stride = tensor.stride(0);
  row_stride = tensor.stride(-2);
  column_stride = tensor.size(-1) == 1 ? 1 : tensor.stride(-1);
}

at::Tensor as_rows(const at::Tensor& tensor) {
  if (!tensor.defined() || tensor.size(-1) == 1) return tensor;
  const int64_t stride = tensor.stride(-1);
  return stride == 0 || stride == 1 ? tensor : tensor.contiguous();
}

void copy_rows(const Rows& from, int64_t step, const Share& share,
               int64_t columns, float* to, int64_t stride) {
  if (from.data == nullptr) return;
  for (int64_t r = 0; r < share.rows; ++r, to += stride) {
    const float* const row = from.at(step, share.row[r]);
    if (from.column_stride == 1) {
      std::memcpy(to, row, static_cast<size_t>(columns) * sizeof(float));
    } else {
      std::fill_n(to, columns, *row);
    }
  }
}

void copy_rows(const float* from, int64_t stride, const Share& share,
               int64_t columns, float* to) {
  if (to == nullptr) return;
  for (int64_t r = 0; r < share.rows; ++r) {
    std::memcpy(to + share.row[r] * columns, from + r * stride,
                static_cast<size_t>(columns) * sizeof(float));
  }
}

}  // namespace snt::kernels
