// File: kernels/updates/one_pass_update.h
// Optimizers' updates of all parameters in one pass over memory. Each number is
// read once and written once; the threads share the numbers, not the
// parameters.
//
// All for float32 on a CPU. Every operation is rounded by itself, in the order
// of the formula, so that all CPUs give the same bits; only the variance of a
// centered RMSProp is a fused ms - mg mg, as libtorch has it, since much of it
// may cancel.

#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace snt::kernels {

// One parameter: arrays of `size` numbers each.
struct UpdateArrays {
  float* theta = nullptr;            // The parameter.
  const float* g = nullptr;          // Its gradient.
  std::array<float*, 3> slots = {};  // What an optimizer remembers for it.
  int64_t size = 0;
};

// Whether no array that is written shares memory with any other one. Gradients
// may share theirs. Arrays that are null do not count.
bool are_apart(const std::vector<UpdateArrays>& arrays);

// theta <- theta - alpha g
void sgd_in_one_pass(const std::vector<UpdateArrays>& arrays, float alpha);

// Slot 0 is m:
//
//   m <- mu m + g
//   theta <- theta - alpha m               or, with Nesterov's momentum,
//   theta <- theta - alpha mu m - alpha g
struct MomentumNumbers {
  float alpha, mu, alpha_mu;
  bool use_nesterov;
};
void momentum_in_one_pass(const std::vector<UpdateArrays>& arrays,
                          const MomentumNumbers& numbers);

// Slots are mom, ms and, if centered, mg:
//
//   ms <- rho ms + (rest g) g
//   mg <- rho mg + rest g
//   mom <- mu mom + (alpha g) (1 / sqrt(ms - mg mg + epsilon))
//   theta <- theta - mom
struct RMSPropNumbers {
  float alpha, rho, rest, mu, epsilon;
  bool centered;
};
void rmsprop_in_one_pass(const std::vector<UpdateArrays>& arrays,
                         const RMSPropNumbers& numbers);

// Slots are m and v:
//
//   m <- beta_1 m + rest_1 g
//   v <- beta_2 v + (rest_2 g) g
//   theta <- theta - alpha m / (sqrt(v) + epsilon)
struct AdamNumbers {
  float alpha, beta_1, rest_1, beta_2, rest_2, epsilon;
};
void adam_in_one_pass(const std::vector<UpdateArrays>& arrays,
                      const AdamNumbers& numbers);

}  // namespace snt::kernels
