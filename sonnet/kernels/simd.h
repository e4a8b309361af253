// File: kernels/simd.h
// Vectors of floats, and the instruction sets that kernels are compiled for.
//
// A kernel is a struct template over the instruction set, with an always
// inlined `run`; SNT_DEFINE_RUN compiles it for each and calls the best that
// the processor has. Everything is a GCC and Clang vector extension: other
// processors get the plain form.

#pragma once

#include <cstdint>

// Vectors are passed between inlined functions only: their ABI does not matter.
#pragma GCC diagnostic ignored "-Wpsabi"

#define SNT_INLINE inline __attribute__((always_inline))

namespace snt::kernels {

template <int kWidth>
struct VectorOf;
template <>
struct VectorOf<4> {
  using Float = float __attribute__((vector_size(16)));
  using Int = int32_t __attribute__((vector_size(16)));
  using Double = double __attribute__((vector_size(32)));
};
template <>
struct VectorOf<8> {
  using Float = float __attribute__((vector_size(32)));
  using Int = int32_t __attribute__((vector_size(32)));
  using Double = double __attribute__((vector_size(64)));
};
template <>
struct VectorOf<16> {
  using Float = float __attribute__((vector_size(64)));
  using Int = int32_t __attribute__((vector_size(64)));
  using Double = double __attribute__((vector_size(128)));
};

// Instruction sets: floats in a vector, and rows of a tile of two vectors a row
// that its registers hold.
struct PlainIsa {
  static constexpr int kWidth = 4, kRows = 6;
};
struct Avx2Isa {
  static constexpr int kWidth = 8, kRows = 6;
};
struct Avx512Isa {
  static constexpr int kWidth = 16, kRows = 14;
};

template <class Isa>
using Floats = typename VectorOf<Isa::kWidth>::Float;
template <class Isa>
using Ints = typename VectorOf<Isa::kWidth>::Int;

// Any addresses will do.
template <class Isa>
SNT_INLINE Floats<Isa> load(const float* from) {
  Floats<Isa> v;
  __builtin_memcpy(&v, from, sizeof(v));
  return v;
}
template <class Isa>
SNT_INLINE void store(float* to, const Floats<Isa>& v) {
  __builtin_memcpy(to, &v, sizeof(v));
}

// The first `count` only; count >= 1.
template <class Isa>
SNT_INLINE Floats<Isa> load(const float* from, int64_t count) {
  if (count >= Isa::kWidth) return load<Isa>(from);
  Floats<Isa> v = {};
  for (int64_t i = 0; i < count; ++i) v[i] = from[i];
  return v;
}
template <class Isa>
SNT_INLINE void store(float* to, const Floats<Isa>& v, int64_t count) {
  if (count >= Isa::kWidth) return store<Isa>(to, v);
  for (int64_t i = 0; i < count; ++i) to[i] = v[i];
}

// A vector, added up to four floats.
SNT_INLINE VectorOf<4>::Float in_four(const VectorOf<4>::Float& v) { return v; }
SNT_INLINE VectorOf<4>::Float in_four(const VectorOf<8>::Float& v) {
  return __builtin_shufflevector(v, v, 0, 1, 2, 3) +
         __builtin_shufflevector(v, v, 4, 5, 6, 7);
}
SNT_INLINE VectorOf<4>::Float in_four(const VectorOf<16>::Float& v) {
  const VectorOf<8>::Float half =
      __builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7) +
      __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15);
  return in_four(half);
}

// The sum of a vector's floats.
template <class Isa>
SNT_INLINE float sum_of_lanes(const Floats<Isa>& v) {
  const VectorOf<4>::Float four = in_four(v);
  const VectorOf<4>::Float two =
      four + __builtin_shufflevector(four, four, 2, 3, 0, 1);
  return two[0] + two[1];
}

// Calls body(i, count) for vectors of [0, size); all but the last are full, and
// know it.
template <class Isa, class F>
SNT_INLINE void for_vectors(int64_t size, const F& body) {
  int64_t i = 0;
  for (; i + Isa::kWidth <= size; i += Isa::kWidth) body(i, Isa::kWidth);
  if (i < size) body(i, size - i);
}

// e^x = (1 + m) 2^n for |x| <= 104. Coefficients: Cephes (expf.c).
template <class Isa>
SNT_INLINE void split_exp(const Floats<Isa>& x, Floats<Isa>& m, Ints<Isa>& n) {
  using V = Floats<Isa>;
  // x = n log(2) + r; adding 1.5 * 2^23 rounds to an integer.
  const V shifted = x * 1.44269504088896341f + 12582912.0f;
  const V whole = shifted - 12582912.0f;
  const V r = (x - whole * 0.693359375f) + whole * 2.12194440e-4f;
  V p = r * 1.9875691500e-4f + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  m = p * (r * r) + r;
  n = (Ints<Isa>)shifted - 0x4B400000;
}

// 2^n for n in [-126, 127], and inf for 128.
template <class Isa>
SNT_INLINE Floats<Isa> power_of_two(const Ints<Isa>& n) {
  return (Floats<Isa>)((n + 127) << 23);
}

// x within [least, most]; NaN stays.
template <class Isa>
SNT_INLINE Floats<Isa> clamp(const Floats<Isa>& x, float least, float most) {
  const Floats<Isa> zero = {};
  const Floats<Isa> v = x > most ? zero + most : x;
  return v < least ? zero + least : v;
}

// e^x to 2 units in the last place; inf, 0 and NaN where they belong.
template <class Isa>
SNT_INLINE Floats<Isa> exp(const Floats<Isa>& x) {
  Floats<Isa> m;
  Ints<Isa> n;
  split_exp<Isa>(clamp<Isa>(x, -104.0f, 104.0f), m, n);
  const Ints<Isa> half = n >> 1;  // In two factors: both are normal numbers.
  return (1.0f + m) * power_of_two<Isa>(half) * power_of_two<Isa>(n - half);
}

// 1 / (1 + e^-x) to 3 units in the last place; 0 below 1e-38, and NaN stays.
template <class Isa>
SNT_INLINE Floats<Isa> sigmoid(const Floats<Isa>& x) {
  Floats<Isa> m;
  Ints<Isa> n;
  split_exp<Isa>(clamp<Isa>(-x, -87.0f, 89.0f), m, n);
  return 1.0f / (1.0f + (1.0f + m) * power_of_two<Isa>(n));
}

// (e^2x - 1) / (e^2x + 1) to 3 units in the last place; NaN stays. Where x is
// small n is 0, and nothing is lost in e^2x - 1 = m.
template <class Isa>
SNT_INLINE Floats<Isa> tanh(const Floats<Isa>& x) {
  Floats<Isa> m;
  Ints<Isa> n;
  split_exp<Isa>(clamp<Isa>(x + x, -20.0f, 20.0f), m, n);
  const Floats<Isa> power = power_of_two<Isa>(n);
  const Floats<Isa> less_one = m * power + (power - 1.0f);
  return less_one / (less_one + 2.0f);
}

// The best of them that this processor has: 2 is Avx512Isa, 1 Avx2Isa (with
// FMA), 0 PlainIsa.
int isa_level();
// From now on at most this level; for tests, while no kernel runs.
void limit_isa_level(int level);

// Defines run_Kernel(args), which calls Kernel<Isa>::run(args) compiled for the
// instruction set of isa_level().
#if defined(__x86_64__)
#define SNT_DEFINE_RUN(Kernel, Args)                                    \
  __attribute__((target("avx512f"))) void Kernel##_avx512(Args& args) { \
    Kernel<Avx512Isa>::run(args);                                       \
  }                                                                     \
  __attribute__((target("avx2,fma"))) void Kernel##_avx2(Args& args) {  \
    Kernel<Avx2Isa>::run(args);                                         \
  }                                                                     \
  void run_##Kernel(Args& args) {                                       \
    const int level = isa_level();                                      \
    if (level == 2) return Kernel##_avx512(args);                       \
    if (level == 1) return Kernel##_avx2(args);                         \
    Kernel<PlainIsa>::run(args);                                        \
  }
#else
#define SNT_DEFINE_RUN(Kernel, Args) \
  void run_##Kernel(Args& args) { Kernel<PlainIsa>::run(args); }
#endif

}  // namespace snt::kernels
