#include "sonnet/kernels/losses/cross_entropy_loops.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "sonnet/kernels/parallel.h"
#include "sonnet/kernels/simd.h"

namespace snt::kernels {
namespace {

// Some rows, and where their results go.
struct EntropyBlock {
  const CrossEntropyRows& rows;
  int64_t first, last;
  float* softmax;  // Of row 0, or nullptr.
  double loss;
};

struct EntropyGradientBlock {
  const CrossEntropyRows& rows;
  int64_t first, last;
  const float* softmax;  // Of row 0.
  float factor;
  float* dx;  // Of row 0.
};

const float* logits_of(const CrossEntropyRows& rows, int64_t row) {
  return rows.logits + row / rows.inner * rows.logits_outer +
         row % rows.inner * rows.logits_inner;
}

int64_t label_of(const CrossEntropyRows& rows, int64_t row) {
  return rows.labels[row / rows.inner * rows.labels_outer +
                     row % rows.inner * rows.labels_inner];
}

// Behind the last number of the logits.
const float* end_of_logits(const CrossEntropyRows& rows) {
  return logits_of(rows, rows.outer * rows.inner - 1) + rows.classes;
}

template <class Isa, size_t... kLane>
SNT_INLINE Floats<Isa> lane_numbers(std::index_sequence<kLane...>) {
  return Floats<Isa>{static_cast<float>(kLane)...};
}

// `count` numbers of memory that ends at `end`, and `rest` in the other lanes.
template <class Isa>
SNT_INLINE Floats<Isa> load_or(const float* from, int64_t count,
                               const float* end, float rest) {
  using V = Floats<Isa>;
  if (count >= Isa::kWidth) return load<Isa>(from);
  const V rests = V{} + rest;
  if (end - from < Isa::kWidth) {
    V v = rests;
    for (int64_t i = 0; i < count; ++i) v[i] = from[i];
    return v;
  }
  const V lanes = lane_numbers<Isa>(std::make_index_sequence<Isa::kWidth>());
  return lanes < V{} + static_cast<float>(count) ? load<Isa>(from) : rests;
}

// Lane i with lane i ^ kStep.
template <class Isa, int kStep, size_t... kLane>
SNT_INLINE Floats<Isa> swapped(const Floats<Isa>& v,
                               std::index_sequence<kLane...>) {
  return __builtin_shufflevector(v, v, (kLane ^ kStep)...);
}

// combine(... combine(v[0], v[1]) ...) in every lane, pairs first.
template <class Isa, int kStep = 1, class F>
SNT_INLINE Floats<Isa> across_lanes(const Floats<Isa>& v, const F& combine) {
  if constexpr (kStep == Isa::kWidth) {
    return v;
  } else {
    const auto lanes = std::make_index_sequence<Isa::kWidth>();
    return across_lanes<Isa, 2 * kStep>(
        combine(v, swapped<Isa, kStep>(v, lanes)), combine);
  }
}

template <class Isa>
struct CrossEntropy {
  using V = Floats<Isa>;
  static constexpr float kLeast = -std::numeric_limits<float>::infinity();

  struct Larger {
    SNT_INLINE V operator()(const V& a, const V& b) const {
      return a > b ? a : b;
    }
  };
  struct Sum {
    SNT_INLINE V operator()(const V& a, const V& b) const { return a + b; }
  };

  // In every lane. It passes over NaN: the sum below has it.
  SNT_INLINE static V largest(const float* x, int64_t size, const float* end) {
    V most = V{} + kLeast;
    for (int64_t c = 0; c < size; c += Isa::kWidth) {
      most = Larger()(load_or<Isa>(x + c, size - c, end, kLeast), most);
    }
    return across_lanes<Isa>(most, Larger());
  }

  // Of e^(x - most), in every lane. These are written to `to` if that is given.
  SNT_INLINE static V sum_of_exp(const float* x, int64_t size, const float* end,
                                 const V& most, float* to) {
    V sum = {};
    for (int64_t c = 0; c < size; c += Isa::kWidth) {
      // e^-inf is 0: lanes that do not exist add nothing.
      const V e = exp<Isa>(load_or<Isa>(x + c, size - c, end, kLeast) - most);
      sum += e;
      if (to != nullptr) store<Isa>(to + c, e);
    }
    return across_lanes<Isa>(sum, Sum());
  }

  SNT_INLINE static void run(EntropyBlock& b) {
    const int64_t size = b.rows.classes, padded = softmax_row(size);
    const float* const end = end_of_logits(b.rows);
    for (int64_t row = b.first; row < b.last; ++row) {
      const int64_t label = label_of(b.rows, row);
      float* const to =
          b.softmax == nullptr ? nullptr : b.softmax + row * padded;
      if (to == nullptr && label == b.rows.ignored) continue;
      const float* const x = logits_of(b.rows, row);
      const V most = largest(x, size, end);
      const V sum = sum_of_exp(x, size, end, most, to);
      if (to != nullptr) {
        const V factor = 1.0f / sum;
        for (int64_t c = 0; c < size; c += Isa::kWidth) {
          store<Isa>(to + c, load<Isa>(to + c) * factor);
        }
      }
      if (label == b.rows.ignored) continue;
      b.loss += static_cast<double>(most[0] - x[label]) +
                static_cast<double>(std::log(sum[0]));
    }
  }
};

template <class Isa>
struct CrossEntropyGradient {
  SNT_INLINE static void run(EntropyGradientBlock& b) {
    const int64_t size = b.rows.classes, padded = softmax_row(size);
    const float* const end = b.dx + b.last * size;
    for (int64_t row = b.first; row < b.last; ++row) {
      const int64_t label = label_of(b.rows, row);
      const bool counts = label != b.rows.ignored;
      const float factor = counts ? b.factor : 0;
      const float* const p = b.softmax + row * padded;
      float* const dx = b.dx + row * size;
      for (int64_t c = 0; c < size; c += Isa::kWidth) {
        const Floats<Isa> now = load<Isa>(p + c) * factor;
        if (end - (dx + c) >= Isa::kWidth) {
          store<Isa>(dx + c, now);  // The next row is written later.
        } else {
          store<Isa>(dx + c, now, size - c);
        }
      }
      if (counts) dx[label] = (p[label] - 1) * factor;
    }
  }
};

SNT_DEFINE_RUN(CrossEntropy, EntropyBlock)
SNT_DEFINE_RUN(CrossEntropyGradient, EntropyGradientBlock)

// Calls block(first, last) for blocks of rows that are worth a thread.
template <class F>
void for_row_blocks(const CrossEntropyRows& rows, const F& block) {
  constexpr int64_t kNumbers = 1 << 13;
  const int64_t count = rows.outer * rows.inner;
  const int64_t each = std::max<int64_t>(1, kNumbers / rows.classes);
  const int64_t blocks = (count + each - 1) / each;
  const auto run = [&](int64_t i) {
    block(i, i * each, std::min(count, (i + 1) * each));
  };
  if (blocks <= 2) {
    for (int64_t i = 0; i < blocks; ++i) run(i);
  } else {
    parallel_for_each(blocks, run);
  }
}

}  // namespace

double cross_entropy_forward(const CrossEntropyRows& rows, float* softmax) {
  std::vector<double> losses;
  const int64_t count = rows.outer * rows.inner;
  losses.resize(static_cast<size_t>(count));
  for_row_blocks(rows, [&](int64_t i, int64_t first, int64_t last) {
    EntropyBlock block = {rows, first, last, softmax, 0};
    run_CrossEntropy(block);
    losses[static_cast<size_t>(i)] = block.loss;
  });
  double loss = 0;
  for (const double one : losses) loss += one;
  return loss;
}

void cross_entropy_backward(const CrossEntropyRows& rows, const float* softmax,
                            float factor, float* dx) {
  for_row_blocks(rows, [&](int64_t, int64_t first, int64_t last) {
    EntropyGradientBlock block = {rows, first, last, softmax, factor, dx};
    run_CrossEntropyGradient(block);
  });
}

}  // namespace snt::kernels
