#include "sonnet/core/tree.h"

#include <ATen/ATen.h>

namespace snt::tree::detail {

at::Tensor where_leaf(const at::Tensor& mask, const at::Tensor& a,
                      const at::Tensor& b, const std::string& path) {
  if (a.dim() == 0) return a;
  check(a.sizes() == b.sizes(), "tree::where", "the leaves at '", path,
        "' must have the same shape, got ", a.sizes(), " and ", b.sizes());
  check(mask.dim() == 1 && mask.size(0) == a.size(0), "tree::where",
        "mask must have shape [", a.size(0), "] for the leaf at '", path,
        "', got ", mask.sizes());
  std::vector<int64_t> shape(a.dim(), 1);
  shape[0] = -1;
  return at::where(mask.reshape(shape), a, b);
}

at::Tensor stack_leaves(const std::vector<at::Tensor>& leaves, int64_t dim,
                        const std::string& path) {
  for (const at::Tensor& leaf : leaves) {
    check(leaf.sizes() == leaves[0].sizes(), "tree::stack", "the leaves at '",
          path, "' must have one shape, got ", leaves[0].sizes(), " and ",
          leaf.sizes());
  }
  return at::stack(leaves, dim);
}

at::Tensor index_leaf(const at::Tensor& leaf, int64_t i, int64_t dim) {
  return leaf.select(dim, i);
}

void fail_structure(const std::string& path, const std::string& first,
                    const std::string& other) {
  throw ValueError("[tree] the trees differ at '" + path + "': " + first +
                   " and " + other);
}

}  // namespace snt::tree::detail
