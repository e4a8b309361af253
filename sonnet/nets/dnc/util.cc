#include "sonnet/nets/dnc/util.h"

#include <ATen/ATen.h>

#include "sonnet/core/errors.h"

namespace snt::nets::dnc::util {

std::vector<at::Tensor> segment_dim(
    const at::Tensor& x, int64_t dim,
    const std::vector<std::vector<int64_t>>& shapes) {
  check(dim < x.dim() && dim >= -x.dim(), "dnc::segment_dim", "Invalid dims (",
        dim, ")");
  const int64_t axis = dim < 0 ? dim + x.dim() : dim;
  std::vector<at::Tensor> segments;
  int64_t begin = 0;
  for (const std::vector<int64_t>& shape : shapes) {
    const int64_t size = c10::multiply_integers(shape);
    check(size >= 0 && begin + size <= x.size(axis), "dnc::segment_dim",
          "shapes must have at most ", x.size(axis), " values, got ", shapes);
    std::vector<int64_t> sizes = x.sizes().slice(0, axis).vec();
    sizes.insert(sizes.end(), shape.begin(), shape.end());
    const at::IntArrayRef behind = x.sizes().slice(axis + 1);
    sizes.insert(sizes.end(), behind.begin(), behind.end());
    segments.push_back(x.narrow(axis, begin, size).reshape(sizes));
    begin += size;
  }
  return segments;
}

at::Tensor batch_invert_permutation(const at::Tensor& permutations) {
  check(permutations.dim() == 2, "dnc::batch_invert_permutation",
        "permutations must be [batch, n], got ", permutations.sizes());
  const at::Tensor numbers =
      at::arange(permutations.size(1), permutations.options())
          .expand_as(permutations);
  const at::Tensor sorted = std::get<0>(permutations.sort(-1));
  check(at::equal(sorted, numbers), "dnc::batch_invert_permutation",
        "each row must hold each of 0 ... ", permutations.size(1) - 1, " once");
  return at::empty_like(permutations)
      .scatter_(1, permutations.to(at::kLong), numbers);
}

at::Tensor batch_gather(const at::Tensor& values, const at::Tensor& indices) {
  check(values.dim() >= 2 && indices.dim() >= 1 &&
            values.size(0) == indices.size(0),
        "dnc::batch_gather",
        "values must be [batch, n, ...] and indices [batch, ...], got ",
        values.sizes(), " and ", indices.sizes());
  const at::Tensor index = indices.to(at::kLong);
  check(index.numel() == 0 || (index.min().item<int64_t>() >= 0 &&
                               index.max().item<int64_t>() < values.size(1)),
        "dnc::batch_gather", "indices must be in [0, ", values.size(1), ")");
  // Row b of values with every index of row b.
  std::vector<int64_t> shape(indices.dim(), 1);
  shape[0] = values.size(0);
  const at::Tensor row =
      at::arange(values.size(0), index.options()).reshape(shape);
  return values.index({row, index});
}

at::Tensor one_hot(int64_t length, int64_t index) {
  check(length >= 0 && index < length && index >= -length, "dnc::one_hot",
        "index must be in [", -length, ", ", length, "), got ", index);
  at::Tensor result = at::zeros({length}, at::kDouble);
  result[index] = 1;
  return result;
}

at::Tensor apply_linear(const at::Tensor& x, const Layer& module,
                        const Activation& activation) {
  return activation(module(x));
}

at::Tensor apply_linear(const std::pair<at::Tensor, at::Tensor>& inputs,
                        const std::pair<Layer, Layer>& modules,
                        const Activation& activation) {
  return apply_split_linear(modules.first, modules.second, inputs.first,
                            inputs.second, activation);
}

at::Tensor apply_split_linear(const Layer& module_1, const Layer& module_2,
                              const at::Tensor& x_1, const at::Tensor& x_2,
                              const Activation& activation) {
  const at::Tensor sum = module_1(x_1) + module_2(x_2);
  return activation ? activation(sum) : sum;
}

}  // namespace snt::nets::dnc::util
