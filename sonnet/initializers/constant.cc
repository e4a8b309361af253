#include "sonnet/initializers/constant.h"

#include <ATen/ATen.h>

#include "sonnet/initializers/dtypes.h"

namespace snt::initializers {

at::Tensor Zeros::operator()(at::IntArrayRef shape,
                             at::ScalarType dtype) const {
  detail::check_numerical(dtype, "Zeros");

  return at::zeros(shape, dtype);
}

at::Tensor Ones::operator()(at::IntArrayRef shape, at::ScalarType dtype) const {
  detail::check_numerical(dtype, "Ones");

  return at::ones(shape, dtype);
}

at::Tensor Constant::operator()(at::IntArrayRef shape,
                                at::ScalarType dtype) const {
  detail::check_numerical(dtype, "Constant");
  detail::check_holds(dtype, value, "Constant", "value");

  return at::full(shape, value.value, dtype);
}

at::Tensor Identity::operator()(at::IntArrayRef shape,
                                at::ScalarType dtype) const {
  detail::check_numerical(dtype, "Identity");
  detail::check_matrix(shape, "Identity");
  detail::check_holds(dtype, gain, "Identity", "gain");

  at::Tensor result = at::zeros(shape, dtype);
  result.diagonal(/*offset=*/0, /*dim1=*/-2, /*dim2=*/-1).fill_(gain);
  return result;
}

}  // namespace snt::initializers
