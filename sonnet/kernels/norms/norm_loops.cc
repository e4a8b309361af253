#include "sonnet/kernels/norms/norm_loops.h"

#include <algorithm>
#include <cmath>

#include "sonnet/kernels/simd.h"

namespace snt::kernels {
namespace {

// Rows that are summed in float32 before they join the sums in float64.
constexpr int64_t kRowsTogether = 32;

// The numbers of a vector, of which `count` exist, to an array of doubles.
template <class Isa>
SNT_INLINE void add_to(double* sums, const Floats<Isa>& v, int64_t count) {
  using Doubles = typename VectorOf<Isa::kWidth>::Double;
  if (count < Isa::kWidth) {
    for (int64_t i = 0; i < count; ++i) sums[i] += static_cast<double>(v[i]);
    return;
  }
  Doubles all;
  __builtin_memcpy(&all, sums, sizeof(all));
  all += __builtin_convertvector(v, Doubles);
  __builtin_memcpy(sums, &all, sizeof(all));
}

template <class Isa>
struct Sums {
  static SNT_INLINE void run(SumsArgs& a) {
    using V = Floats<Isa>;
    for (int64_t first = 0; first < a.x.rows; first += kRowsTogether) {
      const int64_t rows = std::min(kRowsTogether, a.x.rows - first);
      const float* const from = a.x.data + first * a.x.stride;
      for_vectors<Isa>(
          a.x.channels, [&](int64_t c,
                            int64_t count) __attribute__((always_inline)) {
            const V pivot = load<Isa>(a.pivot + c, count);
            V sum = {}, squares = {}, sum2 = {}, squares2 = {};
            const float* x = from + c;
            int64_t r = 0;
            for (; r + 2 <= rows; r += 2, x += 2 * a.x.stride) {
              const V d = load<Isa>(x, count) - pivot;
              const V d2 = load<Isa>(x + a.x.stride, count) - pivot;
              sum += d;
              squares += d * d;
              sum2 += d2;
              squares2 += d2 * d2;
            }
            if (r < rows) {
              const V d = load<Isa>(x, count) - pivot;
              sum += d;
              squares += d * d;
            }
            add_to<Isa>(a.sum + c, sum + sum2, count);
            add_to<Isa>(a.squares + c, squares + squares2, count);
          });
    }
  }
};

// `v`, but 0 where `gate` is not above 0; NaN counts as above.
template <class Isa>
SNT_INLINE Floats<Isa> gated(const Floats<Isa>& v, const Floats<Isa>& gate) {
  return gate <= 0.0F ? Floats<Isa>{} : v;
}

template <class Isa>
struct Normalize {
  template <bool kAdds, bool kRelu>
  static SNT_INLINE void rows(const NormalizeArgs& a) {
    using V = Floats<Isa>;
    for (int64_t r = 0; r < a.x.rows; ++r) {
      const float* const x = a.x.data + r * a.x.stride;
      float* const y = a.y + r * a.x.channels;
      const float* const addend = kAdds ? a.addend + r * a.x.channels : nullptr;
      for_vectors<Isa>(
          a.x.channels, [&](int64_t c,
                            int64_t count) __attribute__((always_inline)) {
            V v = (load<Isa>(x + c, count) - load<Isa>(a.mean + c, count)) *
                      load<Isa>(a.factor + c, count) +
                  load<Isa>(a.shift + c, count);
            if (kAdds) v += load<Isa>(addend + c, count);
            store<Isa>(y + c, kRelu ? gated<Isa>(v, v) : v, count);
          });
    }
  }
  static SNT_INLINE void run(NormalizeArgs& a) {
    if (a.addend != nullptr) {
      a.relu ? rows<true, true>(a) : rows<true, false>(a);
    } else {
      a.relu ? rows<false, true>(a) : rows<false, false>(a);
    }
  }
};

// Where gradients stop.
enum class Gate { none, given, made };

template <class Isa>
struct GradientSums {
  template <Gate kGate>
  static SNT_INLINE void rows(const GradientSumsArgs& a) {
    using V = Floats<Isa>;
    for (int64_t first = 0; first < a.x.rows; first += kRowsTogether) {
      const int64_t rows = std::min(kRowsTogether, a.x.rows - first);
      for_vectors<Isa>(
          a.x.channels, [&](int64_t c,
                            int64_t count) __attribute__((always_inline)) {
            const V mean = load<Isa>(a.mean + c, count);
            V factor = {}, shift = {};
            if (kGate == Gate::made) {
              factor = load<Isa>(a.factor + c, count);
              shift = load<Isa>(a.shift + c, count);
            }
            V sum = {}, products = {};
            const float* x = a.x.data + first * a.x.stride + c;
            const float* dy = a.dy.data + first * a.dy.stride + c;
            int64_t place = first * a.x.channels + c;
            for (int64_t r = 0; r < rows; ++r) {
              V d = load<Isa>(dy, count);
              const V centered = load<Isa>(x, count) - mean;
              if (kGate == Gate::made) {
                d = gated<Isa>(d, centered * factor + shift);
              } else if (kGate == Gate::given) {
                d = gated<Isa>(d, load<Isa>(a.y + place, count));
                store<Isa>(a.d + place, d, count);
                place += a.x.channels;
              }
              sum += d;
              products += d * centered;
              x += a.x.stride;
              dy += a.dy.stride;
            }
            add_to<Isa>(a.sum + c, sum, count);
            add_to<Isa>(a.products + c, products, count);
          });
    }
  }
  static SNT_INLINE void run(GradientSumsArgs& a) {
    if (a.y != nullptr) return rows<Gate::given>(a);
    if (a.shift != nullptr) return rows<Gate::made>(a);
    rows<Gate::none>(a);
  }
};

template <class Isa>
struct Gradient {
  template <Gate kGate>
  static SNT_INLINE void rows(const GradientArgs& a) {
    using V = Floats<Isa>;
    for (int64_t r = 0; r < a.x.rows; ++r) {
      const float* const x = a.x.data + r * a.x.stride;
      const float* const dy = a.dy.data + r * a.dy.stride;
      float* const dx = a.dx + r * a.x.channels;
      for_vectors<Isa>(
          a.x.channels, [&](int64_t c,
                            int64_t count) __attribute__((always_inline)) {
            V d = load<Isa>(dy + c, count);
            const V centered =
                load<Isa>(x + c, count) - load<Isa>(a.mean + c, count);
            const V factor = load<Isa>(a.factor + c, count);
            if (kGate == Gate::made) {
              d = gated<Isa>(
                  d, centered * factor + load<Isa>(a.y_shift + c, count));
            }
            store<Isa>(dx + c,
                       d * factor + centered * load<Isa>(a.slope + c, count) +
                           load<Isa>(a.shift + c, count),
                       count);
          });
    }
  }
  static SNT_INLINE void run(GradientArgs& a) {
    a.y_shift != nullptr ? rows<Gate::made>(a) : rows<Gate::none>(a);
  }
};

template <class Isa>
struct RowNorm {
  static SNT_INLINE void run(RowNormArgs& a) {
    using V = Floats<Isa>;
    const int64_t channels = a.x.channels;
    const float size = static_cast<float>(channels);
    for (int64_t r = 0; r < a.x.rows; ++r) {
      const float* const x = a.x.data + r * a.x.stride;
      float* const y = a.y + r * channels;
      V sum = {};
      for_vectors<Isa>(
          channels, [&](int64_t c, int64_t count) __attribute__((
                        always_inline)) { sum += load<Isa>(x + c, count); });
      const float mean = sum_of_lanes<Isa>(sum) / size;
      V squares = {};
      for_vectors<Isa>(
          channels, [&](int64_t c, int64_t count)
                        __attribute__((always_inline)) {
                          V d = load<Isa>(x + c, count) - mean;
                          for (int64_t i = count; i < Isa::kWidth; ++i)
                            d[i] = 0;
                          squares += d * d;
                        });
      const double variance =
          static_cast<double>(sum_of_lanes<Isa>(squares) / size);
      const float rstd = static_cast<float>(1 / std::sqrt(variance + a.eps));
      a.mean[r] = mean;
      a.rstd[r] = rstd;
      for_vectors<Isa>(
          channels, [&](int64_t c, int64_t count)
                        __attribute__((always_inline)) {
                          V v = (load<Isa>(x + c, count) - mean) * rstd;
                          if (a.scale != nullptr)
                            v *= load<Isa>(a.scale + c, count);
                          if (a.offset != nullptr)
                            v += load<Isa>(a.offset + c, count);
                          store<Isa>(y + c, v, count);
                        });
    }
  }
};

template <class Isa>
struct RowNormGradient {
  static SNT_INLINE void run(RowNormGradientArgs& a) {
    using V = Floats<Isa>;
    const int64_t channels = a.x.channels;
    const float size = static_cast<float>(channels);
    for (int64_t r = 0; r < a.x.rows; ++r) {
      const float* const x = a.x.data + r * a.x.stride;
      const float* const dy = a.dy.data + r * a.dy.stride;
      const float mean = a.mean[r], rstd = a.rstd[r];
      // x^ = (x - mean) rstd, g = dy scale:
      // dx = rstd (g - average(g) - x^ average(g x^))
      V sum = {}, products = {};
      for_vectors<Isa>(
          channels, [&](int64_t c,
                        int64_t count) __attribute__((always_inline)) {
            const V d = load<Isa>(dy + c, count);
            const V x_hat = (load<Isa>(x + c, count) - mean) * rstd;
            if (a.dscale != nullptr) {
              store<Isa>(a.dscale + c,
                         load<Isa>(a.dscale + c, count) + d * x_hat, count);
            }
            if (a.doffset != nullptr) {
              store<Isa>(a.doffset + c, load<Isa>(a.doffset + c, count) + d,
                         count);
            }
            const V g =
                a.scale != nullptr ? d * load<Isa>(a.scale + c, count) : d;
            sum += g;
            products += g * x_hat;  // Those that do not exist have g = 0.
          });
      if (a.dx == nullptr) continue;
      const float average = sum_of_lanes<Isa>(sum) / size;
      const float slope = sum_of_lanes<Isa>(products) / size;
      float* const dx = a.dx + r * channels;
      for_vectors<Isa>(
          channels, [&](int64_t c,
                        int64_t count) __attribute__((always_inline)) {
            const V d = load<Isa>(dy + c, count);
            const V g =
                a.scale != nullptr ? d * load<Isa>(a.scale + c, count) : d;
            const V x_hat = (load<Isa>(x + c, count) - mean) * rstd;
            store<Isa>(dx + c, (g - average - x_hat * slope) * rstd, count);
          });
    }
  }
};

}  // namespace

SNT_DEFINE_RUN(Sums, SumsArgs)
SNT_DEFINE_RUN(Normalize, NormalizeArgs)
SNT_DEFINE_RUN(GradientSums, GradientSumsArgs)
SNT_DEFINE_RUN(Gradient, GradientArgs)
SNT_DEFINE_RUN(RowNorm, RowNormArgs)
SNT_DEFINE_RUN(RowNormGradient, RowNormGradientArgs)

}  // namespace snt::kernels
