#include "sonnet/kernels/rows/row_loops.h"

#include <algorithm>

#include "sonnet/kernels/simd.h"

namespace snt::kernels {
namespace {

// Long sums are sums of sums, to lose less.
constexpr int64_t kRowsOfASum = 128;

template <class Isa>
struct Pull {
  static SNT_INLINE void run(PullArgs& a) {
    using V = Floats<Isa>;
    for (int64_t r = 0; r < a.rows; ++r) {
      const int64_t row = r * a.depth;
      const float* const e = a.embeddings + a.indices[r] * a.depth;
      for_vectors<Isa>(
          a.depth, [&](int64_t i, int64_t count)
                       __attribute__((always_inline)) {
                         const V from = load<Isa>(a.x + row + i, count);
                         V to = a.factor * (from - load<Isa>(e + i, count));
                         if (a.d != nullptr)
                           to += load<Isa>(a.d + row + i, count);
                         store<Isa>(a.to + row + i, to, count);
                       });
    }
  }
};

template <class Isa>
struct SumRows {
  static SNT_INLINE void run(SumRowsArgs& a) {
    using V = Floats<Isa>;
    for_vectors<Isa>(
        a.depth, [&](int64_t i, int64_t count) __attribute__((always_inline)) {
          const V shift =
              a.shift != nullptr ? load<Isa>(a.shift + i, count) : V{};
          V sum = {};
          for (int64_t first = 0; first < a.rows; first += kRowsOfASum) {
            const int64_t last = std::min(first + kRowsOfASum, a.rows);
            V part = {};
            for (int64_t r = first; r < last; ++r) {
              part += load<Isa>(a.x + a.order[r] * a.depth + i, count) - shift;
            }
            sum += part;
          }
          store<Isa>(a.to + i, sum, count);
        });
  }
};

}  // namespace

SNT_DEFINE_RUN(Pull, PullArgs)
SNT_DEFINE_RUN(SumRows, SumRowsArgs)

}  // namespace snt::kernels
