#include "sonnet/kernels/parallel.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/TensorIterator.h>

#include <algorithm>
#include <array>
#include <atomic>

namespace snt::kernels {

void parallel_for_each(int64_t count, c10::function_ref<void(int64_t)> work) {
  const int64_t threads =
      std::min({count, static_cast<int64_t>(at::get_num_threads()),
                static_cast<int64_t>(256)});
  std::atomic<int64_t> next{0};
  const auto drain = [&] {
    for (int64_t i = next++; i < count; i = next++) work(i);
  };
  if (threads <= 1 || at::in_parallel_region()) {
    drain();
    return;
  }

  // One element for each thread: the iterator shares them out, in libtorch.
  std::array<char, 256> nothing;
  at::Tensor shares = at::from_blob(nothing.data(), {threads}, at::kByte);
  at::TensorIterator::nullary_op(shares).for_each(
      [&](char**, const int64_t*, int64_t, int64_t) { drain(); },
      /*grain_size=*/1);
}

}  // namespace snt::kernels
