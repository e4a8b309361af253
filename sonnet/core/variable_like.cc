#include "sonnet/core/variable_like.h"

#include <ATen/ATen.h>

namespace snt::utils {
namespace {

Variable make_like(at::IntArrayRef shape, const at::TensorOptions& options,
                   const Initializer& initializer, bool trainable,
                   const std::string& name) {
  Variable result;
  result.declare_trainable(trainable);
  result.create(
      shape, options,
      initializer ? initializer
                  : [](at::IntArrayRef sizes, at::ScalarType dtype) {
                      return at::zeros(sizes, dtype);
                    });
  result.set_path("", name);
  return result;
}

}  // namespace

Variable variable_like(const Variable& inputs, const Initializer& initializer,
                       std::optional<bool> trainable, const std::string& name) {
  return make_like(inputs.shape(),
                   at::dtype(inputs.dtype()).device(inputs.device()),
                   initializer, trainable.value_or(inputs.trainable()),
                   name.empty() ? inputs.name() : name);
}

Variable variable_like(const at::Tensor& inputs, const Initializer& initializer,
                       std::optional<bool> trainable, const std::string& name) {
  return make_like(
      inputs.sizes(), at::dtype(inputs.scalar_type()).device(inputs.device()),
      initializer, trainable.value_or(true), name.empty() ? "Variable" : name);
}

}  // namespace snt::utils
