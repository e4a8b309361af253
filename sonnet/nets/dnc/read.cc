#include "sonnet/nets/dnc/read.h"

#include <ATen/ATen.h>

#include "sonnet/core/errors.h"

namespace snt::nets::dnc::read {

at::Tensor read(const at::Tensor& memory, const at::Tensor& weights,
                const Activation& squash_op,
                [[maybe_unused]] bool squash_before_access,
                bool squash_after_access) {
  check(memory.dim() == 3 && weights.dim() == 3 &&
            weights.size(0) == memory.size(0) &&
            weights.size(2) == memory.size(1),
        "dnc::read",
        "weights must be [batch, num_reads, memory_size] for memory [batch, "
        "memory_size, word_size], got ",
        weights.sizes(), " for ", memory.sizes());
  const at::Tensor words = at::matmul(weights, memory);
  return squash_after_access ? squash_op(words) : words;
}

}  // namespace snt::nets::dnc::read
