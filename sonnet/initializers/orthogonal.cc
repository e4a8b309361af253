#include "sonnet/initializers/orthogonal.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "sonnet/core/random.h"
#include "sonnet/initializers/dtypes.h"

namespace snt::initializers {

at::Tensor Orthogonal::operator()(at::IntArrayRef shape,
                                  at::ScalarType dtype) const {
  detail::check_floating(dtype, "Orthogonal");
  detail::check_matrix(shape, "Orthogonal");

  const int64_t rows = c10::multiply_integers(shape.slice(0, shape.size() - 1));
  const int64_t columns = shape.back();
  const at::Tensor normal =
      at::empty({std::max(rows, columns), std::min(rows, columns)},
                detail::drawn_dtype(dtype))
          .normal_(0, 1, random::generator(seed));
  if (normal.numel() == 0) return at::empty(shape, dtype);

  const auto [q, r] = at::linalg_qr(normal);
  // The signs make q uniform: QR alone prefers some of the matrices.
  const at::Tensor diagonal = r.diagonal();
  at::Tensor x = q * at::ones_like(diagonal).copysign(diagonal) * gain;
  if (rows < columns) x = x.t();
  return x.to(dtype).contiguous().view(shape);
}

}  // namespace snt::initializers
