// File: optimizers/lists.h
// Updates of many parameters by one operation each for all of them. Not public.
//
// On a GPU a list costs about as much as one tensor. On a CPU libtorch goes
// through a list one by one, so only short ones are made there, for less work
// around the operations.

#pragma once

#include <ATen/core/Tensor.h>
#include <c10/util/ArrayRef.h>

#include <cstddef>
#include <vector>

#include "sonnet/core/variable.h"
#include "sonnet/optimizers/slots.h"

namespace snt::optimizers::detail {

using Tensors = std::vector<at::Tensor>;

// Parameters of one dtype on one device.
struct Lists {
  at::ScalarType dtype;
  Tensors g;                    // The updates.
  std::vector<Tensors> values;  // The parameters, then slots as in `slots`.
};

// Takes those of the updates `others` that may be made together: dense, of
// float32 or float64, and apart from each other in memory. Others stay, and all
// if the switch for updates in one pass is off. The slots of parameter i are at
// `positions[i]` of each of `slots`.
std::vector<Lists> take_lists(const Tensors& updates,
                              const std::vector<Variable>& parameters,
                              at::ArrayRef<const Slots*> slots,
                              const std::vector<size_t>& positions,
                              std::vector<size_t>& others);

// Operations for lists. One tensor alone is left to the operation for tensors.
void multiply(const Tensors& x, double a);                   // x <- a x
void add(const Tensors& x, double a);                        // x <- x + a
void add(const Tensors& x, const Tensors& y, double a = 1);  // x <- x + a y
void subtract(const Tensors& x, const Tensors& y, double a = 1);
// x <- x + a y z and x <- x + a y / z
void add_product(const Tensors& x, const Tensors& y, const Tensors& z,
                 double a);
void add_quotient(const Tensors& x, const Tensors& y, const Tensors& z,
                  double a);
void invert_root(const Tensors& x);       // x <- 1 / sqrt(x)
Tensors root(const Tensors& x);           // sqrt(x)
Tensors sum(const Tensors& x, double a);  // x + a
// x + a y z
Tensors plus_product(const Tensors& x, const Tensors& y, const Tensors& z,
                     double a);

}  // namespace snt::optimizers::detail
