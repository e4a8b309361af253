// What a user's first program may look like: a model learns to add.

#include <ATen/ATen.h>
#include <sonnet/sonnet.h>

#include <iostream>

struct Adder {
  snt::nets::MLP body{.output_sizes = {16, 1}};

  at::Tensor operator()(const at::Tensor& x) const { return body(x); }
};

int main() {
  snt::seed(1);
  Adder model;
  const at::Tensor x = at::rand({64, 2});
  const at::Tensor y = x.sum(1, /*keepdim=*/true);
  const snt::optimizers::Adam adam{.learning_rate = 1e-2};
  double loss = 1;
  for (int step = 0; step < 200; ++step) {
    const at::Tensor error = (model(x) - y).square().mean();
    const auto parameters = snt::trainable_variables(model);
    adam.apply(snt::gradients(error, parameters), parameters);
    loss = error.item<double>();
  }
  std::cout << snt::describe(model) << "loss " << loss << "\n";
  return loss < 0.01 ? 0 : 1;
}
