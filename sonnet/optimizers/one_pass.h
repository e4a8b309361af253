// File: optimizers/one_pass.h
// Updates in one pass over memory. Not public.

#pragma once

#include <ATen/core/Tensor.h>
#include <c10/util/ArrayRef.h>
#include <c10/util/FunctionRef.h>

#include <cstddef>
#include <vector>

#include "sonnet/core/variable.h"
#include "sonnet/optimizers/slots.h"

namespace snt::kernels {
struct UpdateArrays;
}  // namespace snt::kernels

namespace snt::optimizers::detail {

// A call of a kernel of kernels/updates/one_pass_update.h.
using OnePass =
    c10::function_ref<void(const std::vector<kernels::UpdateArrays>&)>;

// Calls `update` with the arrays of one parameter, and returns whether it did:
// the gradient and the values (theta and its slots) must be float32 on a CPU,
// dense but for a gradient that is sparse in its rows, and apart from each
// other in memory. A gradient that is not contiguous is copied first; equal
// rows of a sparse one are summed first, and other rows are left alone.
// Gradients must be off.
bool update_in_one_pass(const at::Tensor& g,
                        at::ArrayRef<const at::Tensor*> values, OnePass update);

// The same for all parameters together that are read through no hook, by one
// call. The slots of parameter i are at `positions[i]` of each of `slots`.
//
// Returns the positions of the other updates, but for undefined ones: they are
// to be made one by one.
std::vector<size_t> update_in_one_pass(const std::vector<at::Tensor>& updates,
                                       const std::vector<Variable>& parameters,
                                       at::ArrayRef<const Slots*> slots,
                                       const std::vector<size_t>& positions,
                                       OnePass update);

}  // namespace snt::optimizers::detail
