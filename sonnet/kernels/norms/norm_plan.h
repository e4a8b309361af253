// File: kernels/norms/norm_plan.h
// How the work of a normalisation is cut for the threads.

#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "sonnet/kernels/norms/normalization.h"
#include "sonnet/kernels/parallel.h"

namespace snt::kernels {

// Numbers that a thread takes at a time where there is a choice.
inline constexpr int64_t kNormPiece = int64_t{1} << 15;

// One part of the work: rows [first, first + rows) of sample `outer`.
struct NormPart {
  int64_t outer, first, rows;
};

// x, cut for the threads: whole samples where there are enough of them, whose
// second pass then finds them in the cache, else pieces of samples.
class NormPlan {
 public:
  explicit NormPlan(const NormShape& shape) : shape_(shape) {
    whole_ = shape.outer >= 4 || shape.pixels * channels() <= kNormPiece;
    const int64_t rows =
        whole_ ? shape.pixels : std::max<int64_t>(1, kNormPiece / channels());
    for (int64_t n = 0; n < shape.outer; ++n) {
      for (int64_t r = 0; r < shape.pixels; r += rows) {
        parts_.push_back({n, r, std::min(rows, shape.pixels - r)});
      }
    }
  }
  int64_t channels() const { return shape_.groups * shape_.width; }
  int64_t count() const { return static_cast<int64_t>(parts_.size()); }

  // Two sums in float64 for each channel of each part.
  std::vector<double> sums() const {
    return std::vector<double>(parts_.size() * 2 * channels());
  }

  // body(part) for all.
  template <class F>
  void run_once(const F& body) const {
    parallel_for_each(count(), [&](int64_t i) { body(parts_[i]); });
  }

  // first(part, sums of the part), then of all parts of a sample
  // between(outer, sums of the sample), then second(part).
  template <class First, class Between, class Second>
  void run(std::vector<double>& sums, const First& first,
           const Between& between, const Second& second) const {
    const int64_t each = 2 * channels();
    if (whole_) {
      parallel_for_each(count(), [&](int64_t i) {
        first(parts_[i], &sums[i * each]);
        between(parts_[i].outer, &sums[i * each]);
        second(parts_[i]);
      });
      return;
    }
    parallel_for_each(count(),
                      [&](int64_t i) { first(parts_[i], &sums[i * each]); });
    for (int64_t i = 0, begin = 0; i < count(); ++i) {
      if (i != begin) {
        for (int64_t k = 0; k < each; ++k) {
          sums[begin * each + k] += sums[i * each + k];
          sums[i * each + k] = 0;
        }
      }
      if (i + 1 == count() || parts_[i + 1].outer != parts_[i].outer) {
        between(parts_[i].outer, &sums[begin * each]);
        begin = i + 1;
      }
    }
    parallel_for_each(count(), [&](int64_t i) { second(parts_[i]); });
  }

 private:
  NormShape shape_;
  bool whole_ = false;
  std::vector<NormPart> parts_;
};

// Each row has moments of its own: the loops for that are others.
inline bool is_by_row(const NormShape& s) {
  return s.pixels == 1 && s.groups == 1;
}

// Pieces of rows for `is_by_row`: body(piece, first, rows).
inline int64_t rows_of_a_piece(const NormShape& shape) {
  return std::max<int64_t>(1, kNormPiece / shape.width);
}
inline int64_t count_pieces(const NormShape& shape) {
  const int64_t rows = rows_of_a_piece(shape);
  return (shape.outer + rows - 1) / rows;
}
template <class F>
void for_rows(const NormShape& shape, const F& body) {
  const int64_t rows = rows_of_a_piece(shape);
  parallel_for_each(count_pieces(shape), [&](int64_t i) {
    body(i, i * rows, std::min(rows, shape.outer - i * rows));
  });
}

}  // namespace snt::kernels
