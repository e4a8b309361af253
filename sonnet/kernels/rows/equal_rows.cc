#include "sonnet/kernels/rows/equal_rows.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "sonnet/kernels/parallel.h"
#include "sonnet/kernels/rows/row_loops.h"

namespace snt::kernels {
namespace {

// Gives each number a group, 0, 1, ... in the order in which they come first.
class Groups {
 public:
  explicit Groups(int64_t size) {
    while ((int64_t{1} << bits_) < 2 * size) ++bits_;
    groups_.resize(size_t{1} << bits_, kNone);
    numbers_.reserve(static_cast<size_t>(size));
  }

  int32_t group_of(int64_t number) {
    // Fibonacci hashing: Knuth, The Art of Computer Programming 3, 6.4.
    const uint64_t hash = static_cast<uint64_t>(number) * 0x9E3779B97F4A7C15u;
    const size_t last = groups_.size() - 1;
    for (size_t i = hash >> (64 - bits_);; i = (i + 1) & last) {
      int32_t& group = groups_[i];
      if (group == kNone) {
        group = static_cast<int32_t>(numbers_.size());
        numbers_.push_back(number);
        return group;
      }
      if (numbers_[group] == number) return group;
    }
  }

  std::vector<int64_t>& numbers() { return numbers_; }

 private:
  static constexpr int32_t kNone = -1;

  int bits_ = 1;
  std::vector<int32_t> groups_;  // Small, to stay in the nearest cache.
  std::vector<int64_t> numbers_;
};

}  // namespace

std::optional<DistinctRows> sum_equal_rows(const at::Tensor& numbers,
                                           const at::Tensor& rows,
                                           int64_t limit, bool are_distinct) {
  const int64_t n = numbers.numel(), columns = rows.size(1);
  const int64_t* const given = numbers.data_ptr<int64_t>();
  const float* const from = rows.data_ptr<float>();
  const auto is_outside = [&](int64_t i) { return i < 0 || i >= limit; };
  if (std::any_of(given, given + n, is_outside)) return std::nullopt;

  DistinctRows result;
  if (are_distinct) {
    result.numbers.assign(given, given + n);
    for (int64_t i = 0; i < n; ++i) result.sums.push_back(from + i * columns);
    return result;
  }

  Groups groups(n);
  std::vector<int64_t> first;  // Row of each group.
  first.reserve(static_cast<size_t>(n));
  struct Repeated {
    int32_t group;
    int64_t row;
  };
  std::vector<Repeated> repeated;  // All other rows.
  for (int64_t i = 0; i < n; ++i) {
    const int32_t group = groups.group_of(given[i]);
    if (group == static_cast<int32_t>(first.size())) {
      first.push_back(i);
    } else {
      repeated.push_back({group, i});
    }
  }
  result.numbers = std::move(groups.numbers());
  result.sums.reserve(first.size());
  for (const int64_t row : first) result.sums.push_back(from + row * columns);
  if (repeated.empty()) return result;

  // The rows of groups of several, by group: those of k begin at starts[k].
  const auto count = static_cast<int64_t>(first.size());
  std::vector<int64_t> starts(static_cast<size_t>(count) + 1);
  for (const Repeated& r : repeated) ++starts[r.group + 1];
  std::vector<int64_t> several;  // Groups.
  for (int64_t k = 0; k < count; ++k) {
    if (starts[k + 1] > 0) {
      several.push_back(k);
      ++starts[k + 1];
    }
    starts[k + 1] += starts[k];
  }
  std::vector<int64_t> order(static_cast<size_t>(starts.back()));
  std::vector<int64_t> next(starts.begin(), starts.end() - 1);
  for (const int64_t k : several) order[next[k]++] = first[k];
  for (const Repeated& r : repeated) order[next[r.group]++] = r.row;

  const auto sums = static_cast<int64_t>(several.size());
  result.memory = at::empty({sums, columns}, at::kFloat);
  float* const memory = result.memory.data_ptr<float>();
  for (int64_t i = 0; i < sums; ++i) {
    result.sums[several[i]] = memory + i * columns;
  }
  constexpr int64_t kNumbersOfAPart = int64_t{1} << 15;
  const int64_t parts =
      std::clamp<int64_t>(starts.back() * columns / kNumbersOfAPart, 1, sums);
  const int64_t step = (sums + parts - 1) / parts;
  parallel_for_each(parts, [&](int64_t part) {
    const int64_t last = std::min((part + 1) * step, sums);
    for (int64_t i = part * step; i < last; ++i) {
      const int64_t k = several[i];
      SumRowsArgs args = {.rows = starts[k + 1] - starts[k],
                          .depth = columns,
                          .order = order.data() + starts[k],
                          .x = from,
                          .shift = nullptr,
                          .to = memory + i * columns};
      run_SumRows(args);
    }
  });
  return result;
}

}  // namespace snt::kernels
