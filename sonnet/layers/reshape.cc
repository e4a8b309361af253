#include "sonnet/layers/reshape.h"

#include <ATen/ATen.h>

#include "sonnet/core/errors.h"
#include "sonnet/core/options.h"

namespace snt {
namespace {

int64_t product(at::IntArrayRef sizes) {
  int64_t result = 1;
  for (int64_t size : sizes) result *= size;
  return result;
}

at::Tensor reshape_rest(const at::Tensor& x, at::IntArrayRef output_shape,
                        int64_t preserve_dims, const char* who) {
  check(x.dim() >= preserve_dims, who, "Input tensor has ", x.dim(),
        " dimensions, should have at least as many as preserve_dims=",
        preserve_dims);
  // The unknown size comes from the other dimensions alone, so that it is also
  // known when a preserved dimension is 0.
  const int64_t values = product(x.sizes().slice(preserve_dims));
  int64_t known = 1;
  int64_t unknown = -1;
  std::vector<int64_t> shape = x.sizes().slice(0, preserve_dims).vec();
  for (int64_t size : output_shape) {
    check(size >= -1, who, "Size ", shape.size(), " must be non-negative, not ",
          size);
    if (size == -1) {
      check(unknown == -1, who, "only one size of output_shape may be -1, got ",
            output_shape);
      unknown = static_cast<int64_t>(shape.size());
    } else {
      known *= size;
    }
    shape.push_back(size);
  }
  const bool fits = unknown == -1 ? known == values
                    : known == 0  ? values == 0
                                  : values % known == 0;
  check(fits, who, "Input to reshape is a tensor with ", x.numel(),
        " values, but the requested shape has ",
        known * product(x.sizes().slice(0, preserve_dims)),
        unknown == -1 ? "" : " or a multiple", "; got shape ", x.sizes(),
        " for output_shape ", output_shape);
  if (unknown != -1) shape[unknown] = known == 0 ? 0 : values / known;
  return x.reshape(shape);
}

void check_preserve_dims(int64_t preserve_dims, const char* who) {
  check(preserve_dims >= 1, who, "Argument preserve_dims should be >= 1.",
        " Got ", preserve_dims);
}

Reshape back(const std::vector<int64_t>& input_shape, int64_t preserve_dims,
             const std::optional<std::string>& name, const std::string& own,
             const char* usual) {
  return {.output_shape = input_shape,
          .preserve_dims = preserve_dims,
          .name = name.value_or((own.empty() ? usual : own) + "_reversed")};
}

}  // namespace

void Reshape::check() const { check_preserve_dims(preserve_dims, "Reshape"); }

at::Tensor Reshape::operator()(const at::Tensor& x) const {
  check();
  at::Tensor y = reshape_rest(x, output_shape.value, preserve_dims, "Reshape");
  if (!input_shape.is_set()) {
    input_shape.set_once(x.sizes().slice(preserve_dims).vec());
  }
  return y;
}

Reshape Reshape::reversed(const std::optional<std::string>& new_name) const {
  return back(input_shape.get("Reshape", "the input shape"), preserve_dims,
              new_name, name, "reshape");
}

void Flatten::check() const { check_preserve_dims(preserve_dims, "Flatten"); }

at::Tensor Flatten::operator()(const at::Tensor& x) const {
  check();
  at::Tensor y = reshape_rest(x, {-1}, preserve_dims, "Flatten");
  if (!input_shape.is_set()) {
    input_shape.set_once(x.sizes().slice(preserve_dims).vec());
  }
  return y;
}

Reshape Flatten::reversed(const std::optional<std::string>& new_name) const {
  return back(input_shape.get("Flatten", "the input shape"), preserve_dims,
              new_name, name, "flatten");
}

at::Tensor reshape(const at::Tensor& x,
                   const std::vector<int64_t>& output_shape,
                   int64_t preserve_dims) {
  check_preserve_dims(preserve_dims, "reshape");
  return reshape_rest(x, output_shape, preserve_dims, "reshape");
}

at::Tensor flatten(const at::Tensor& x) {
  return reshape_rest(x, {-1}, 1, "flatten");
}

}  // namespace snt
