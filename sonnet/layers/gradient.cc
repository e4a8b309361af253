#include "sonnet/layers/gradient.h"

#include <ATen/ATen.h>
#include <ATen/ExpandUtils.h>
#include <torch/csrc/autograd/custom_function.h>

#include "sonnet/core/errors.h"

namespace snt {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct ScaleGradient : torch::autograd::Function<ScaleGradient> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& t,
                            double scale) {
    context->saved_data["scale"] = scale;
    return t.view_as(t);
  }
  static variable_list backward(AutogradContext* context, variable_list dy) {
    return {dy[0] * context->saved_data["scale"].toDouble(), at::Tensor()};
  }
};

struct LeakyClip : torch::autograd::Function<LeakyClip> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& t,
                            const at::Tensor& low, const at::Tensor& high) {
    context->save_for_backward({t, low, high});
    return at::minimum(at::maximum(t, low), high);
  }
  static variable_list backward(AutogradContext* context, variable_list dy) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor& t = saved[0];
    const at::Tensor further_out =
        ((t < saved[1]) & (dy[0] > 0)) | ((t > saved[2]) & (dy[0] < 0));
    return {dy[0].masked_fill(further_out, 0), at::Tensor(), at::Tensor()};
  }
};

struct DenseGradient : torch::autograd::Function<DenseGradient> {
  static at::Tensor forward(AutogradContext*, const at::Tensor& x) {
    return x.view_as(x);
  }
  static variable_list backward(AutogradContext*, variable_list dy) {
    return {dy[0].is_sparse() ? dy[0].to_dense() : dy[0]};
  }
};

}  // namespace

at::Tensor scale_gradient(const at::Tensor& t, double scale) {
  return ScaleGradient::apply(t, scale);
}

at::Tensor leaky_clip_by_value(const at::Tensor& t,
                               const at::Tensor& clip_value_min,
                               const at::Tensor& clip_value_max) {
  for (const at::Tensor& bound : {clip_value_min, clip_value_max}) {
    check(at::is_expandable_to(bound.sizes(), t.sizes()), "leaky_clip_by_value",
          "the bounds must broadcast to t of shape ", t.sizes(), ", got shape ",
          bound.sizes());
  }
  return LeakyClip::apply(t, clip_value_min.to(t.options()),
                          clip_value_max.to(t.options()));
}

at::Tensor leaky_clip_by_value(const at::Tensor& t, double clip_value_min,
                               double clip_value_max) {
  return leaky_clip_by_value(t, at::scalar_tensor(clip_value_min),
                             at::scalar_tensor(clip_value_max));
}

at::Tensor dense_gradient(const at::Tensor& x) {
  return DenseGradient::apply(x);
}

}  // namespace snt
