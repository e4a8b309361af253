#include "sonnet/initializers/distributions.h"

#include <ATen/ATen.h>

#include "sonnet/core/errors.h"
#include "sonnet/core/random.h"
#include "sonnet/initializers/dtypes.h"

namespace snt::initializers {
namespace {

at::Tensor random_integers(const RandomUniform& options, at::IntArrayRef shape,
                           at::ScalarType dtype) {
  const double minval = options.minval;
  const double maxval = options.maxval;
  snt::check(minval < maxval, "RandomUniform",
             "minval must be < maxval for an integer dtype, got ", minval,
             " and ", maxval);
  detail::check_holds(dtype, minval, "RandomUniform", "minval");
  detail::check_holds(dtype, maxval - 1, "RandomUniform", "maxval - 1");

  return at::empty(shape, dtype)
      .random_(static_cast<int64_t>(minval), static_cast<int64_t>(maxval),
               random::generator(options.seed));
}

// Numbers of the standard normal distribution in [-2, 2]: [size].
at::Tensor truncated_normal(int64_t size, at::ScalarType dtype,
                            const at::Generator& generator) {
  at::Tensor result = at::empty({size}, dtype).normal_(0, 1, generator);
  at::Tensor outside = result.abs().gt(2).nonzero().squeeze(1);  // [indices]
  while (outside.numel() > 0) {
    const at::Tensor again =
        at::empty({outside.numel()}, dtype).normal_(0, 1, generator);
    result.index_copy_(0, outside, again);
    outside = outside.masked_select(again.abs().gt(2));
  }
  return result;
}

}  // namespace

void RandomUniform::check() const {
  snt::check(minval <= maxval, "RandomUniform",
             "minval must be <= maxval, got ", minval, " and ", maxval);
}

at::Tensor RandomUniform::operator()(at::IntArrayRef shape,
                                     at::ScalarType dtype) const {
  check();
  detail::check_numerical(dtype, "RandomUniform");
  if (!at::isFloatingType(dtype)) return random_integers(*this, shape, dtype);

  at::Tensor values = at::empty(shape, detail::drawn_dtype(dtype))
                          .uniform_(minval, maxval, random::generator(seed));
  return detail::round_inside(values, detail::smallest_at_least(minval, dtype),
                              detail::largest_below(maxval, dtype), dtype);
}

void RandomNormal::check() const {
  snt::check(stddev >= 0, "RandomNormal", "stddev must be >= 0, got ", stddev);
}

at::Tensor RandomNormal::operator()(at::IntArrayRef shape,
                                    at::ScalarType dtype) const {
  check();
  detail::check_floating(dtype, "RandomNormal");

  return at::empty(shape, detail::drawn_dtype(dtype))
      .normal_(mean, stddev, random::generator(seed))
      .to(dtype);
}

void TruncatedNormal::check() const {
  snt::check(stddev >= 0, "TruncatedNormal", "stddev must be >= 0, got ",
             stddev);
}

at::Tensor TruncatedNormal::operator()(at::IntArrayRef shape,
                                       at::ScalarType dtype) const {
  check();
  detail::check_floating(dtype, "TruncatedNormal");

  at::Tensor values =
      truncated_normal(c10::multiply_integers(shape),
                       detail::drawn_dtype(dtype), random::generator(seed))
          .mul_(stddev)
          .add_(mean)
          .view(shape);
  return detail::round_inside(
      values, detail::smallest_at_least(mean - 2 * stddev, dtype),
      detail::largest_at_most(mean + 2 * stddev, dtype), dtype);
}

}  // namespace snt::initializers
