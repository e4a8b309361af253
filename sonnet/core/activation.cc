#include "sonnet/core/activation.h"

#include <ATen/ATen.h>

#include "sonnet/core/half.h"

namespace snt::activations {
namespace {

using at::Tensor;

// libtorch 1.13 has no CPU kernel for some functions of half types: computed
// in float32 and rounded.
template <Tensor (*f)(const Tensor&)>
Tensor rounded(const Tensor& x) {
  return detail::is_half_on_cpu(x) ? f(x.to(at::kFloat)).to(x.scalar_type())
                                   : f(x);
}

}  // namespace

const NamedFunction relu = {
    "relu", rounded<+[](const Tensor& x) { return at::relu(x); }>};
const NamedFunction relu6 = {
    "relu6", rounded<+[](const Tensor& x) { return at::clamp(x, 0, 6); }>};
const NamedFunction leaky_relu = {
    "leaky_relu",
    rounded<+[](const Tensor& x) { return at::leaky_relu(x, 0.2); }>};
const NamedFunction elu = {
    "elu", rounded<+[](const Tensor& x) { return at::elu(x); }>};
const NamedFunction selu = {
    "selu", rounded<+[](const Tensor& x) { return at::selu(x); }>};
const NamedFunction gelu = {
    "gelu", rounded<+[](const Tensor& x) { return at::gelu(x); }>};
const NamedFunction silu = {
    "silu", rounded<+[](const Tensor& x) { return at::silu(x); }>};
const NamedFunction tanh = {
    "tanh", rounded<+[](const Tensor& x) { return at::tanh(x); }>};
const NamedFunction sigmoid = {
    "sigmoid", rounded<+[](const Tensor& x) { return at::sigmoid(x); }>};
const NamedFunction softplus = {
    "softplus", rounded<+[](const Tensor& x) { return at::softplus(x); }>};
const NamedFunction softsign = {
    "softsign", rounded<+[](const Tensor& x) { return x / (1 + x.abs()); }>};
const NamedFunction softmax = {
    "softmax", rounded<+[](const Tensor& x) { return at::softmax(x, -1); }>};
const NamedFunction log_softmax = {
    "log_softmax",
    rounded<+[](const Tensor& x) { return at::log_softmax(x, -1); }>};
const NamedFunction exp = {
    "exp", rounded<+[](const Tensor& x) { return at::exp(x); }>};
const NamedFunction abs = {"abs", [](const Tensor& x) { return at::abs(x); }};
const NamedFunction square = {"square", [](const Tensor& x) { return x * x; }};
const NamedFunction identity = {"identity", [](const Tensor& x) { return x; }};

const std::vector<NamedFunction>& all() {
  static const auto* functions = new std::vector<NamedFunction>{
      relu,        relu6, leaky_relu, elu,      selu,     gelu,
      silu,        tanh,  sigmoid,    softplus, softsign, softmax,
      log_softmax, exp,   abs,        square,   identity};
  return *functions;
}

}  // namespace snt::activations
