// File: testing/expect_sequence.h
// What holds for every kernel for a whole sequence (kernels/*_sequence.h).

#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <functional>
#include <vector>

namespace snt {

// One of them, as functions of all arguments, x [T, B, I] first.
struct SequenceKernel {
  using Tensors = std::vector<at::Tensor>;
  std::function<bool(const Tensors&)> takes;
  std::function<Tensors(const Tensors&)> fast;  // The kernel.
  std::function<Tensors(const Tensors&)> slow;  // Step by step.
};

// {T, B, I, H}: edges first.
std::vector<std::array<int64_t, 4>> sequence_sizes();

// That results and all gradients are those of float64 step by step, to 1e-5 of
// the largest number; and the same results without gradients.
void expect_exact(const SequenceKernel& kernel,
                  const SequenceKernel::Tensors& arguments);

// The same with the instructions of processors without AVX-512, then AVX2.
void expect_exact_on_old_processors(const SequenceKernel& kernel,
                                    const SequenceKernel::Tensors& arguments);

// The same for one result and the gradient of one argument at a time.
void expect_some_gradients(const SequenceKernel& kernel,
                           const SequenceKernel::Tensors& arguments);

// That the backward pass can run again, also when the results were changed.
void expect_backward_twice(const SequenceKernel& kernel,
                           const SequenceKernel::Tensors& arguments);

// That gradients of gradients are those of float64 step by step, also where
// one argument depends on others.
void expect_second_derivatives(const SequenceKernel& kernel,
                               const SequenceKernel::Tensors& arguments);

// That NaN, inf, denormals and large numbers in x [2, 6, 3] and the first state
// [6, 5], arguments 0 and 1, come out as step by step.
void expect_numbers_that_are_none(const SequenceKernel& kernel,
                                  SequenceKernel::Tensors arguments);

// That it takes these arguments, but not with one of another dtype or device,
// nor when the kernels are switched off.
void expect_takes_only_float(const SequenceKernel& kernel,
                             const SequenceKernel::Tensors& arguments);

// That four threads at once get what one gets.
void expect_same_on_threads(const SequenceKernel& kernel,
                            const SequenceKernel::Tensors& arguments);

// All of that for sequences of some lengths [B]: `kernel` makes the functions
// for them, `arguments` those of {T, B, I, H}.
void expect_ended_sequences(
    const std::function<SequenceKernel(const at::Tensor& lengths)>& kernel,
    const std::function<SequenceKernel::Tensors(int64_t, int64_t, int64_t,
                                                int64_t)>& arguments);

}  // namespace snt
