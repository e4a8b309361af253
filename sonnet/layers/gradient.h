// File: layers/gradient.h
// Identities with another gradient.

#pragma once

#include <ATen/core/Tensor.h>

namespace snt {

// y = t, with the gradient multiplied by `scale`: 0 blocks it, a negative one
// reverses it (Ganin et al. 2016, "Domain-adversarial training").
//
//     at::Tensor y = snt::scale_gradient(at::ones({3}), 0.5);
//
// Source: sonnet/src/scale_gradient.py.
at::Tensor scale_gradient(const at::Tensor& t, double scale);

// Clips t to [clip_value_min, clip_value_max]; the gradient is zero only where
// t is outside and a step along the negative gradient would take it further
// out: t < min and dy > 0, or t > max and dy < 0.
//
//     at::Tensor y = snt::leaky_clip_by_value(at::ones({3}), -0.5, 0.5);
//
// The bounds are numbers, or tensors that broadcast to the shape of t.
//
// Throws ValueError when the bounds do not, or would enlarge t. Source:
// sonnet/src/ leaky_clip_by_value.py.
at::Tensor leaky_clip_by_value(const at::Tensor& t,
                               const at::Tensor& clip_value_min,
                               const at::Tensor& clip_value_max);
at::Tensor leaky_clip_by_value(const at::Tensor& t, double clip_value_min,
                               double clip_value_max);

// y = x, with a dense gradient where a sparse one comes back.
//
//     at::Tensor y = snt::dense_gradient(at::ones({3, 2}));
//
// Source: sonnet/src/embed.py.
at::Tensor dense_gradient(const at::Tensor& x);

}  // namespace snt
