// File: optimizers/update.h
// What the optimizers share: the checks, and how an update reaches the tensors
// of variables, be it dense or rows, in full or half precision. Not public.

#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>

#include <cstdint>
#include <string_view>
#include <vector>

#include "sonnet/core/hyperparameter.h"
#include "sonnet/core/variable.h"
#include "sonnet/optimizers/slots.h"

namespace snt::optimizers::detail {

// Throws ValueError unless the updates fit the parameters, in Sonnet's words.
void check_updates(std::string_view who, const std::vector<at::Tensor>& updates,
                   const std::vector<Variable>& parameters);

// Where the slots of the parameters are; makes them if there are none.
//
// Throws ValueError for a parameter that has none, for one that is given twice,
// and for slots that do not fit it any more.
std::vector<size_t> find_slots(std::string_view who, const Slots& slots,
                               const std::vector<Variable>& parameters);

// `value` as a tensor of `dtype` would hold it. Sonnet casts hyper-parameters
// to the dtype of the update, so that 1 - beta2 is 0.0010000467 in float32.
double cast(double value, at::ScalarType dtype);
// The value at a step, as its own dtype holds it.
double read(const Hyperparameter& hyperparameter, int64_t step);

// The tensors to change for one update: the values of the variables, or the
// rows of them that a sparse update touches; in float32 where the update is of
// a half type. Gradients are off while it lives.
class Target {
 public:
  Target(const at::Tensor& update, std::vector<Variable> variables);

  // The update: the sum over equal indices for a sparse one.
  const at::Tensor& g() const { return g_; }
  // What to change in place, in the order of the variables.
  const at::Tensor& operator[](size_t i) const { return work_[i]; }

  // Brings the changes back to where they are not in place already.
  void store() const;

 private:
  at::NoGradGuard no_grad_;
  std::vector<Variable> variables_;
  std::vector<at::Tensor> values_;  // The whole values of the variables.
  std::vector<at::Tensor> work_;
  at::Tensor indices_;  // Of the rows; undefined for a dense update.
  at::Tensor g_;
};

}  // namespace snt::optimizers::detail
