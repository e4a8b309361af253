// File: testing/expect_gradients.h
// Gradients against finite differences.

#pragma once

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "sonnet/core/gradients.h"
#include "sonnet/testing/uneven.h"

namespace snt {

// That the gradients of f() with respect to `leaves` are those of central
// differences. Leaves are contiguous float64 tensors that f reads anew on each
// call: inputs that require gradients, or values of Variables. All outputs
// count, each with a weight of its own.
template <class F>
void expect_gradients(const F& f, const std::vector<at::Tensor>& leaves) {
  const at::Tensor example = f();
  const at::Tensor weights = uneven(example.sizes(), at::kDouble, 77);
  const std::vector<at::Tensor> gradients =
      snt::gradients((example * weights).sum(), leaves);

  const at::NoGradGuard no_grad;
  constexpr double kStep = 1e-6;
  for (size_t l = 0; l < leaves.size(); ++l) {
    ASSERT_TRUE(gradients[l].defined()) << "leaf " << l;
    const at::Tensor gradient = gradients[l].to_dense().reshape({-1});
    const at::Tensor values = leaves[l].detach().view({-1});
    for (int64_t i = 0; i < values.numel(); ++i) {
      const double before = values[i].item<double>();
      values[i].fill_(before + kStep);
      const at::Tensor high = f();
      values[i].fill_(before - kStep);
      const at::Tensor low = f();
      values[i].fill_(before);
      EXPECT_NEAR(gradient[i].item<double>(),
                  ((high - low) * weights).sum().item<double>() / (2 * kStep),
                  1e-7)
          << "leaf " << l << ", element " << i;
    }
  }
}

}  // namespace snt
