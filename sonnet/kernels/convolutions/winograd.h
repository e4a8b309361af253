// File: kernels/convolutions/winograd.h
// Convolutions with 3 x 3 weights by a quarter of the multiplications: squares
// of 4 x 4 outputs through the minimal filtering algorithm F(4 x 4, 3 x 3) and,
// for the gradient of the weights, its transpose. See winograd_transforms.h.
//
// Rounding errors are about six times those of a sum of products: 1e-6 of the
// largest output. A number that is not finite spoils all outputs of the squares
// that it takes part in.

#pragma once

#include <ATen/core/Tensor.h>

#include "sonnet/kernels/convolutions/conv_plan.h"

namespace snt::kernels {

// Whether run_winograd is for this convolution, and is faster than a sum of
// products.
bool pays_winograd(const ConvProblem& problem);

// Computes what ConvPlan::run does, with the extras that the arrays name: for
// y, relu(factor conv(x, w) + b + addend); for w, b is its gradient. Results
// depend on nothing but the arguments and the number of threads.
void run_winograd(const ConvProblem& problem, at::IntArrayRef w_strides,
                  ConvPass pass, const ConvArrays& arrays, bool relu = false);

}  // namespace snt::kernels
