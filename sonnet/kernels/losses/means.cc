#include "sonnet/kernels/losses/means.h"

#include <ATen/ATen.h>

#include <mutex>
#include <vector>

#include "sonnet/kernels/losses/own_node.h"

namespace snt::kernels {
namespace {

using at::Tensor;
using torch::autograd::variable_list;

class MeanBackward : public torch::autograd::Node {
 public:
  explicit MeanBackward(const Tensor& x)
      : shape_(x.sizes().vec()), size_(x.numel()) {}

  variable_list apply(variable_list&& gradients) override {
    const Tensor& dy = gradients[0];
    if (!dy.defined()) return {Tensor()};
    return {(dy / size_).expand(shape_)};
  }

 private:
  std::vector<int64_t> shape_;
  int64_t size_;
};

Tensor mean_of_all(c10::DispatchKeySet keys, const Tensor& x,
                   c10::optional<at::ScalarType> dtype) {
  if (dtype.value_or(at::kFloat) != at::kFloat || !takes_node(x)) {
    return at::_ops::mean::redispatch(keys_of_libtorch(keys), x, dtype);
  }
  Tensor y;
  {
    const at::AutoDispatchBelowADInplaceOrView below_autograd;
    y = at::sum(x);
  }
  *y.data_ptr<float>() /= static_cast<float>(x.numel());
  set_node(y, x, make_node<MeanBackward>(x));
  return y;
}

}  // namespace

void install_means() {
  static std::once_flag registered;
  std::call_once(registered, [] {
    register_own("mean", c10::DispatchKey::AutogradCPU,
                 torch::CppFunction(TORCH_FN(mean_of_all)));
  });
}

}  // namespace snt::kernels
