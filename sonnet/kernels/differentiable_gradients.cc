#include "sonnet/kernels/differentiable_gradients.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>

namespace snt::kernels {

std::vector<at::Tensor> differentiable_gradients(
    c10::function_ref<std::vector<at::Tensor>(const std::vector<at::Tensor>&)>
        f,
    const std::vector<at::Tensor>& arguments,
    const std::vector<at::Tensor>& d) {
  const auto wants = [](const at::Tensor& t) {
    return t.defined() && t.requires_grad();
  };
  // Names of their own, so that an argument that depends on another does not
  // hand its gradient on.
  std::vector<at::Tensor> inputs, wanted;
  for (const at::Tensor& t : arguments) {
    inputs.push_back(t.defined() ? t.view_as(t) : t);
    if (wants(inputs.back())) wanted.push_back(inputs.back());
  }
  std::vector<at::Tensor> results, d_results;
  const std::vector<at::Tensor> all = f(inputs);
  for (size_t i = 0; i < all.size(); ++i) {
    if (!d[i].defined()) continue;
    results.push_back(all[i]);
    d_results.push_back(d[i]);
  }

  const std::vector<at::Tensor> found = torch::autograd::grad(
      results, wanted, d_results, /*retain_graph=*/true, /*create_graph=*/true,
      /*allow_unused=*/true);
  std::vector<at::Tensor> gradients;
  size_t next = 0;
  for (const at::Tensor& input : inputs) {
    gradients.push_back(wants(input) ? found[next++] : at::Tensor());
  }
  return gradients;
}

}  // namespace snt::kernels
