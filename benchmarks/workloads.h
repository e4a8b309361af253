// File: workloads.h
// Steps of modules as users write them, and all rows of this project.

#pragma once

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>
#include <sonnet/sonnet.h>

#include <functional>
#include <vector>

#include "benchmarks/support/row.h"

namespace benchmarks {

// The rows, by family.
std::vector<Row> mlp_rows();
std::vector<Row> net_rows();
std::vector<Row> recurrent_rows();
std::vector<Row> table_rows();
std::vector<Row> optimizer_rows();
std::vector<Row> norm_rows();
std::vector<Row> convolution_rows();
std::vector<Row> overhead_rows();
std::vector<Row> limit_rows();

// Random numbers, as in the peers.
inline at::Tensor numbers(at::IntArrayRef shape) {
  return at::randn(shape) * 0.1;
}
inline at::Tensor ids(at::IntArrayRef shape, int64_t limit) {
  return at::randint(limit, shape, at::kLong);
}

// Floating point operations of a matrix product [m, k] [k, n].
inline double product(int64_t m, int64_t k, int64_t n) {
  return 2.0 * static_cast<double>(m) * static_cast<double>(k) *
         static_cast<double>(n);
}

// Bytes of so many float32.
inline double bytes(double count) { return 4 * count; }

// How many numbers the trainable variables of a module are.
template <class M>
double count_parameters(const M& module) {
  int64_t count = 0;
  for (const snt::Variable& variable : snt::trainable_variables(module)) {
    count += variable.value().numel();
  }
  return static_cast<double>(count);
}

// call(x), without gradients.
template <class Call>
std::function<void()> infer(const Call& call, const at::Tensor& x) {
  return [=] {
    const c10::InferenceMode guard;
    call(x);
  };
}

// One step of training: the cross entropy of call(x) and labels, its gradients,
// the optimizer.
template <class M, class Call, class O>
std::function<void()> train(const M& module, const Call& call,
                            const at::Tensor& x, const at::Tensor& labels,
                            const O& optimizer) {
  call(x);  // Creates the variables.
  const auto parameters = snt::trainable_variables(module);
  return [=] {
    const at::Tensor loss = at::cross_entropy_loss(call(x), labels);
    optimizer.apply(snt::gradients(loss, parameters), parameters);
  };
}

// Gradients of the sum of call(x) for the variables of `module` and for x.
template <class M, class Call>
std::function<void()> gradients(const M& module, const Call& call,
                                const at::Tensor& example) {
  const at::Tensor x = example.detach().requires_grad_(true);
  call(x);  // Creates the variables.
  std::vector<at::Tensor> inputs;
  for (const snt::Variable& variable : snt::trainable_variables(module)) {
    inputs.push_back(variable.value());
  }
  inputs.push_back(x);
  return [=] { snt::gradients(call(x).sum(), inputs); };
}

}  // namespace benchmarks
