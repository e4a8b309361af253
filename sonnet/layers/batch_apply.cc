#include "sonnet/layers/batch_apply.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <vector>

#include "sonnet/core/errors.h"
#include "sonnet/core/tree.h"

namespace snt {

void BatchApply::check() const {
  snt::check(num_dims >= 1, "BatchApply", "num_dims must be >= 1, got ",
             num_dims);
}

at::Tensor BatchApply::operator()(const at::Tensor& x) const {
  check();
  return split_leading_dim(module(merge_leading_dims(x, num_dims)), x,
                           num_dims);
}

Nest BatchApply::call(std::span<const Nest> args) const {
  check();
  at::Tensor example;
  std::vector<Nest> merged;
  for (const Nest& argument : args) {
    merged.push_back(tree::map(
        [&](const at::Tensor& x) {
          if (!example.defined()) example = x;
          return merge_leading_dims(x, num_dims);
        },
        argument));
  }
  snt::check(example.defined(), "BatchApply",
             "BatchApply requires at least one tensor input.");
  return tree::map(
      [&](const at::Tensor& y) {
        return split_leading_dim(y, example, num_dims);
      },
      module.call(merged));
}

at::Tensor merge_leading_dims(const at::Tensor& x, int64_t num_dims) {
  if (x.dim() < num_dims || num_dims < 1) return x;
  return x.flatten(0, num_dims - 1);  // [T, B, ...] -> [T B, ...]
}

at::Tensor split_leading_dim(const at::Tensor& x, const at::Tensor& example,
                             int64_t num_dims) {
  const char* who = "split_leading_dim";
  check(x.dim() >= 1, who, "x must have rank >= 1, got shape ", x.sizes());
  check(num_dims >= 0, who, "num_dims must be >= 0, got ", num_dims);
  num_dims = std::min(num_dims, example.dim());
  std::vector<int64_t> shape = example.sizes().slice(0, num_dims).vec();
  int64_t size = 1;
  for (int64_t d : shape) size *= d;
  check(x.size(0) == size, who, "the first dimension of x must be ", size,
        ", the product of ", shape, ", got shape ", x.sizes());
  const at::IntArrayRef rest = x.sizes().slice(1);
  shape.insert(shape.end(), rest.begin(), rest.end());
  return x.reshape(shape);  // [T B, ...] -> [T, B, ...]
}

}  // namespace snt
