#include "sonnet/layers/bias.h"

#include <ATen/ATen.h>

#include "sonnet/core/errors.h"
#include "sonnet/core/scope.h"
#include "sonnet/initializers/constant.h"

namespace snt {
namespace {

// Python's tuples, as Sonnet prints shapes: (2, 3), (3,).
std::string tuple_text(const std::vector<int64_t>& shape) {
  std::string text = format(shape);
  text.front() = '(';
  text.back() = ')';
  if (shape.size() == 1) text.insert(text.size() - 1, ",");
  return text;
}

std::vector<int64_t> bias_shape(const Bias& bias, const at::Tensor& x,
                                const Who& who) {
  if (!bias.bias_dims) return x.sizes().slice(1).vec();
  std::vector<int64_t> shape(x.dim(), 1);
  for (int64_t dim : *bias.bias_dims) {
    if (dim < 0) dim = (dim % x.dim() + x.dim()) % x.dim();
    check(dim != 0, who, "Cannot apply bias across the minibatch dimension.");
    check(
        dim < x.dim(), who, "Dimension ", dim,
        " (bias_dims=", [&] { return tuple_text(*bias.bias_dims); },
        ") out of range for input of rank ", x.dim(), ".");
    shape[dim] = x.size(dim);
  }
  // Leading ones are broadcast anyway.
  size_t start = 1;
  while (start < shape.size() && shape[start] == 1) ++start;
  return {shape.begin() + static_cast<int64_t>(start), shape.end()};
}

}  // namespace

at::Tensor Bias::operator()(const at::Tensor& x,
                            const Multiplier& multiplier) const {
  const Who who{"Bias", b};
  check(x.dim() >= 2, who, "x must have rank >= 2, got shape ", x.sizes());
  if (output_size) {
    std::vector<int64_t> wanted;
    if (const auto* size = std::get_if<int64_t>(&*output_size)) {
      wanted = {*size};
    } else {
      wanted = std::get<std::vector<int64_t>>(*output_size);
    }
    check(
        x.sizes().slice(1) == at::IntArrayRef(wanted), who,
        "Input shape must be ",
        [&] {
          wanted.insert(wanted.begin(), -1);
          return tuple_text(wanted);
        },
        " not ", [&] { return tuple_text(x.sizes().vec()); });
  }
  const std::vector<int64_t> shape = bias_shape(*this, x, who);
  check(
      !b.is_built() || b.shape() == at::IntArrayRef(shape), who,
      "x must fit b of shape ", [this] { return format(b.shape()); },
      ", got shape ", x.sizes());

  const name_scope scope("Bias", b);
  const at::Tensor& bias = b.create(shape, x, b_init, initializers::Zeros());
  check<TypeError>(x.scalar_type() == bias.scalar_type(), who,
                   "x must have dtype ", bias.scalar_type(), " like b, got ",
                   x.scalar_type());
  if (!input_shape.is_set()) input_shape.set_once(x.sizes().slice(1).vec());

  if (!multiplier) return x + bias;
  if (const auto* number = std::get_if<int64_t>(&*multiplier)) {
    return at::add(x, bias, *number);
  }
  if (const auto* number = std::get_if<double>(&*multiplier)) {
    check<TypeError>(x.is_floating_point() || x.is_complex(), who,
                     "multiplier must be an integer like x of dtype ",
                     x.scalar_type(), ", got ", *number);
    return at::add(x, bias, *number);
  }
  const at::Tensor& factor = std::get<at::Tensor>(*multiplier);
  check<TypeError>(factor.scalar_type() == x.scalar_type(), who,
                   "multiplier must have dtype ", x.scalar_type(),
                   " like x, got ", factor.scalar_type());
  return x + bias * factor;
}

std::vector<int64_t> Bias::input_size() const {
  return input_shape.get("Bias", "input_size");
}

}  // namespace snt
