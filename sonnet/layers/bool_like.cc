#include "sonnet/layers/bool_like.h"

#include <ATen/ATen.h>

#include "sonnet/core/errors.h"

namespace snt::detail {

bool is_true(const BoolLike& flag, std::string_view name,
             std::string_view who) {
  if (const bool* value = std::get_if<bool>(&flag)) return *value;
  const at::Tensor& tensor = std::get<at::Tensor>(flag);
  check<TypeError>(tensor.defined() && tensor.dim() == 0, who, name,
                   " must be a bool or a tensor without dimensions, got ", [&] {
                     return tensor.defined()
                                ? "shape " + format(tensor.sizes())
                                : std::string("an undefined tensor");
                   });
  return tensor.is_nonzero();
}

}  // namespace snt::detail
