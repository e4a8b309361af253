// File: kernels/products/dense_layers.h
// Dense layers, one behind the other, as one operation.

#pragma once

#include <ATen/core/Tensor.h>
#include <c10/util/ArrayRef.h>

namespace snt::kernels {

// The weights of a layer.
struct DenseLayer {
  at::Tensor w;  // [in, out]
  at::Tensor b;  // [out], or undefined.
};

// Whether `dense_layers` takes these: plain contiguous float32 tensors on a CPU
// of sizes that fit and are > 0, x of rank >= 2.
bool takes_dense_layers(const at::Tensor& x, at::ArrayRef<DenseLayer> layers);

// y = L_n(relu(... relu(L_1(x)))) with L_i(x) = x w_i + b_i, and relu of that
// where `relu_last`:
//
//   x  [batch..., in]   y  [batch..., out of the last layer]
//
// One node of autograd, one pass over each result; small products have loops
// of their own. What is between layers is kept for the gradients only.
at::Tensor dense_layers(const at::Tensor& x, at::ArrayRef<DenseLayer> layers,
                        bool relu_last);

}  // namespace snt::kernels
