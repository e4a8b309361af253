#include "sonnet/layers/shapes.h"

namespace snt::utils {

void assert_rank(const at::Tensor& x, int64_t rank) {
  check(x.dim() == rank, "assert_rank", "x must have rank ", rank,
        ", got shape ", x.sizes());
}

void assert_minimum_rank(const at::Tensor& x, int64_t rank) {
  check(x.dim() >= rank, "assert_minimum_rank", "x must have rank >= ", rank,
        ", got shape ", x.sizes());
}

}  // namespace snt::utils
