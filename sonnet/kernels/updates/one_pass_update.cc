#include "sonnet/kernels/updates/one_pass_update.h"

#include <ATen/ATen.h>
#include <c10/util/FunctionRef.h>

#include <algorithm>
#include <functional>

#include "sonnet/kernels/parallel.h"

// Compiled for several levels of x86 CPUs, the best of which is taken at the
// start of the program; not where a sanitizer is not ready yet by then.
#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && \
    defined(__linux__) && !defined(__SANITIZE_ADDRESS__) &&            \
    !defined(__SANITIZE_THREAD__)
#define SNT_CLONES \
  __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define SNT_CLONES
#endif
#define SNT_ALWAYS __attribute__((always_inline))

namespace snt::kernels {
namespace {

constexpr int64_t kPiece = int64_t{1} << 15;  // Numbers; 128 KiB an array.

// A part of one array, or some whole ones.
struct Piece {
  const UpdateArrays* first;
  int64_t count;  // Of arrays.
  int64_t begin;  // The part; of a single array only.
  int64_t size;   // Numbers.
};

std::vector<Piece> cut_in_pieces(const std::vector<UpdateArrays>& arrays,
                                 int64_t total) {
  std::vector<Piece> pieces;
  pieces.reserve(static_cast<size_t>(2 * total / kPiece) + 2);
  const UpdateArrays* open = nullptr;  // The piece that takes small ones more.
  for (const UpdateArrays& a : arrays) {
    if (a.size < kPiece) {
      if (open == nullptr || pieces.back().size + a.size > kPiece) {
        pieces.push_back({&a, 0, 0, 0});
        open = &a;
      }
      ++pieces.back().count;
      pieces.back().size += a.size;
      continue;
    }
    open = nullptr;
    for (int64_t i = 0; i < a.size; i += kPiece) {
      pieces.push_back({&a, 1, i, std::min(kPiece, a.size - i)});
    }
  }
  return pieces;
}

// Asks for the memory of a small array.
void ask_for(const UpdateArrays& a) {
  constexpr int64_t kMost = 256;  // Numbers; the rest is foreseen.
  const auto ask = [&](const float* from) {
    if (from == nullptr) return;
    for (int64_t i = 0; i < std::min(a.size, kMost); i += 16) {
      __builtin_prefetch(from + i);
    }
  };
  ask(a.theta);
  ask(a.g);
  for (const float* slot : a.slots) ask(slot);
}

// Runs `update` on all arrays, cut into pieces that the threads share.
void run_in_pieces(const std::vector<UpdateArrays>& arrays,
                   c10::function_ref<void(const UpdateArrays&)> update) {
  const auto run = [&](const Piece& piece) {
    if (piece.count == 1) {
      const UpdateArrays& a = *piece.first;
      UpdateArrays part{a.theta + piece.begin, a.g + piece.begin, a.slots,
                        piece.size};
      for (float*& slot : part.slots) {
        if (slot != nullptr) slot += piece.begin;
      }
      update(part);
      return;
    }
    constexpr int64_t kAhead = 4;
    for (int64_t i = 0; i < piece.count; ++i) {
      if (i + kAhead < piece.count) ask_for(piece.first[i + kAhead]);
      update(piece.first[i]);
    }
  };

  int64_t total = 0;
  for (const UpdateArrays& a : arrays) total += a.size;
  const std::vector<Piece> pieces = cut_in_pieces(arrays, total);
  const auto count = static_cast<int64_t>(pieces.size());
  if (total <= kPiece) {
    for (const Piece& piece : pieces) run(piece);
  } else {
    parallel_for_each(count, [&](int64_t i) { run(pieces[i]); });
  }
}

// Calls one(i) for all i < size, in runs for which memory was asked 1 KiB
// before: 12 % less time for Adam than with what an x86 server foresees by
// itself. (Stores past the caches were slower: the lines are there already.)
// CMakeLists.txt has the options that make vectors of the runs and keep
// operations apart; shorter runs GCC would unroll into single numbers.
template <class One, class... Arrays>
SNT_ALWAYS inline void in_runs(int64_t size, const One& one, Arrays... arrays) {
  constexpr int64_t kRun = 64;
  constexpr int64_t kAhead = 256;
  const auto ask = [](const float* from) SNT_ALWAYS {
    for (int64_t line = 0; line < kRun; line += 16) {
      __builtin_prefetch(from + line);
    }
  };
  int64_t i = 0;
  for (; i + kRun <= size; i += kRun) {
    if (i + kAhead < size) (ask(arrays + i + kAhead), ...);
    for (int64_t j = i; j < i + kRun; ++j) one(j);
  }
  for (; i < size; ++i) one(i);
}

SNT_CLONES void sgd_piece(float* __restrict theta, const float* __restrict g,
                          int64_t size, float alpha) {
  const auto one = [=](int64_t i) SNT_ALWAYS { theta[i] -= alpha * g[i]; };
  in_runs(size, one, theta, g);
}

SNT_CLONES void momentum_piece(float* __restrict theta,
                               const float* __restrict g, float* __restrict m,
                               int64_t size, MomentumNumbers k) {
  const auto one = [=](int64_t i) SNT_ALWAYS {
    m[i] = k.mu * m[i] + g[i];
    theta[i] -= k.alpha * m[i];
  };
  in_runs(size, one, theta, g, m);
}

SNT_CLONES void nesterov_piece(float* __restrict theta,
                               const float* __restrict g, float* __restrict m,
                               int64_t size, MomentumNumbers k) {
  const auto one = [=](int64_t i) SNT_ALWAYS {
    m[i] = k.mu * m[i] + g[i];
    theta[i] = theta[i] - k.alpha_mu * m[i] - k.alpha * g[i];
  };
  in_runs(size, one, theta, g, m);
}

SNT_CLONES void rmsprop_piece(float* __restrict theta,
                              const float* __restrict g, float* __restrict mom,
                              float* __restrict ms, int64_t size,
                              RMSPropNumbers k) {
  const auto one = [=](int64_t i) SNT_ALWAYS {
    ms[i] = k.rho * ms[i] + k.rest * g[i] * g[i];
    const float root = __builtin_sqrtf(ms[i] + k.epsilon);
    mom[i] = k.mu * mom[i] + k.alpha * g[i] * (1 / root);
    theta[i] -= mom[i];
  };
  in_runs(size, one, theta, g, mom, ms);
}

SNT_CLONES void centered_rmsprop_piece(float* __restrict theta,
                                       const float* __restrict g,
                                       float* __restrict mom,
                                       float* __restrict ms,
                                       float* __restrict mg, int64_t size,
                                       RMSPropNumbers k) {
  const auto one = [=](int64_t i) SNT_ALWAYS {
    ms[i] = k.rho * ms[i] + k.rest * g[i] * g[i];
    mg[i] = k.rho * mg[i] + k.rest * g[i];
    const float variance = __builtin_fmaf(-mg[i], mg[i], ms[i]);
    const float root = __builtin_sqrtf(variance + k.epsilon);
    mom[i] = k.mu * mom[i] + k.alpha * g[i] * (1 / root);
    theta[i] -= mom[i];
  };
  in_runs(size, one, theta, g, mom, ms, mg);
}

SNT_CLONES void adam_piece(float* __restrict theta, const float* __restrict g,
                           float* __restrict m, float* __restrict v,
                           int64_t size, AdamNumbers k) {
  const auto one = [=](int64_t i) SNT_ALWAYS {
    m[i] = k.beta_1 * m[i] + k.rest_1 * g[i];
    v[i] = k.beta_2 * v[i] + k.rest_2 * g[i] * g[i];
    theta[i] -= k.alpha * m[i] / (__builtin_sqrtf(v[i]) + k.epsilon);
  };
  in_runs(size, one, theta, g, m, v);
}

}  // namespace

bool are_apart(const std::vector<UpdateArrays>& arrays) {
  struct Range {
    const float* begin;
    const float* end;
    bool is_written;
  };
  std::vector<Range> ranges;
  ranges.reserve(5 * arrays.size());
  for (const UpdateArrays& a : arrays) {
    const auto add = [&](const float* begin, bool is_written) {
      if (begin == nullptr || a.size == 0) return;
      ranges.push_back({begin, begin + a.size, is_written});
    };
    add(a.theta, true);
    add(a.g, false);
    for (const float* slot : a.slots) add(slot, true);
  }
  const std::less<const float*> before;
  std::sort(ranges.begin(), ranges.end(), [&](const Range& a, const Range& b) {
    return before(a.begin, b.begin);
  });
  const float* end = nullptr;          // Of all that began before.
  const float* end_written = nullptr;  // Of those that are written.
  for (const Range& range : ranges) {
    if (before(range.begin, range.is_written ? end : end_written)) return false;
    end = std::max(end, range.end, before);
    if (range.is_written)
      end_written = std::max(end_written, range.end, before);
  }
  return true;
}

void sgd_in_one_pass(const std::vector<UpdateArrays>& arrays, float alpha) {
  run_in_pieces(arrays, [&](const UpdateArrays& a) {
    sgd_piece(a.theta, a.g, a.size, alpha);
  });
}

void momentum_in_one_pass(const std::vector<UpdateArrays>& arrays,
                          const MomentumNumbers& numbers) {
  const auto piece = numbers.use_nesterov ? nesterov_piece : momentum_piece;
  run_in_pieces(arrays, [&](const UpdateArrays& a) {
    piece(a.theta, a.g, a.slots[0], a.size, numbers);
  });
}

void rmsprop_in_one_pass(const std::vector<UpdateArrays>& arrays,
                         const RMSPropNumbers& numbers) {
  run_in_pieces(arrays, [&](const UpdateArrays& a) {
    if (numbers.centered) {
      centered_rmsprop_piece(a.theta, a.g, a.slots[0], a.slots[1], a.slots[2],
                             a.size, numbers);
    } else {
      rmsprop_piece(a.theta, a.g, a.slots[0], a.slots[1], a.size, numbers);
    }
  });
}

void adam_in_one_pass(const std::vector<UpdateArrays>& arrays,
                      const AdamNumbers& numbers) {
  run_in_pieces(arrays, [&](const UpdateArrays& a) {
    adam_piece(a.theta, a.g, a.slots[0], a.slots[1], a.size, numbers);
  });
}

}  // namespace snt::kernels
