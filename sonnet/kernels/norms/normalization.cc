#include "sonnet/kernels/norms/normalization.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <array>
#include <vector>

#include "sonnet/kernels/differentiable_gradients.h"
#include "sonnet/kernels/norms/norm_passes.h"
#include "sonnet/kernels/norms/norm_plan.h"
#include "sonnet/kernels/plain.h"
#include "sonnet/kernels/switches.h"

namespace snt::kernels {
namespace {

using at::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// The same by libtorch's operations, to be differentiated again.
Tensor by_operations(const Tensor& x, const Tensor& scale, const Tensor& offset,
                     const NormShape& s, double eps) {
  const Tensor grouped = x.view({s.outer, s.pixels, s.groups, s.width});
  const Tensor centered = grouped - grouped.mean({1, 3}, /*keepdim=*/true);
  const Tensor variance = (centered * centered).mean({1, 3}, /*keepdim=*/true);
  Tensor y = (centered / (variance + eps).sqrt())
                 .view({s.outer, s.pixels, s.groups * s.width});
  if (scale.defined()) y = y * scale;
  if (offset.defined()) y = y + offset;
  return y.view(x.sizes());
}
Tensor by_operations(Tensor y, const AfterNorm& after) {
  if (after.addend.defined()) y = y + after.addend;
  return after.relu ? y.relu() : y;
}

struct Normalization : torch::autograd::Function<Normalization> {
  // Autograd takes undefined tensors as optional ones only.
  static Tensor forward(AutogradContext* context, const Tensor& x,
                        const c10::optional<Tensor>& scale,
                        const c10::optional<Tensor>& offset,
                        const c10::optional<Tensor>& addend, bool relu,
                        const NormShape& shape, double eps, NormForward* f) {
    const auto or_undefined = [](const c10::optional<Tensor>& t) {
      return t ? *t : Tensor();
    };
    *f = norm_forward(x, or_undefined(scale), or_undefined(offset), shape, eps,
                      {or_undefined(addend), relu});
    context->save_for_backward(
        {x, or_undefined(scale), or_undefined(offset), or_undefined(addend),
         relu && addend ? f->y : Tensor(), f->mean, f->rstd});
    context->saved_data["shape"] = std::vector<int64_t>{
        shape.outer, shape.pixels, shape.groups, shape.width};
    context->saved_data["eps"] = eps;
    context->saved_data["relu"] = relu;
    return f->y;
  }

  static variable_list backward(AutogradContext* context,
                                const variable_list& d) {
    const variable_list saved = context->get_saved_variables();
    const Tensor &x = saved[0], &scale = saved[1], &offset = saved[2];
    const auto sizes = context->saved_data["shape"].toIntVector();
    const NormShape shape = {sizes[0], sizes[1], sizes[2], sizes[3]};
    const bool relu = context->saved_data["relu"].toBool();
    if (at::GradMode::is_enabled()) {  // create_graph
      const double eps = context->saved_data["eps"].toDouble();
      variable_list gradients = differentiable_gradients(
          [&](const variable_list& all) -> variable_list {
            return {
                by_operations(by_operations(all[0], all[1], all[2], shape, eps),
                              {all[3], relu})};
          },
          {x, scale, offset, saved[3]}, {d[0]});
      gradients.resize(8);
      return gradients;
    }
    std::array<bool, 4> wanted;
    size_t next = 0;  // Undefined ones do not count.
    for (size_t i = 0; i < wanted.size(); ++i) {
      wanted[i] = saved[i].defined() && context->needs_input_grad(next++);
    }
    NormGradients g = norm_backward(d[0], x, scale, saved[5], saved[6], shape,
                                    {wanted[0], wanted[1], wanted[2]},
                                    {relu, offset, saved[4]});
    if (wanted[3] && !g.addend.defined()) g.addend = d[0];
    return {g.x,      g.scale,  g.offset, wanted[3] ? g.addend : Tensor(),
            Tensor(), Tensor(), Tensor(), Tensor()};
  }
};

}  // namespace

bool takes_normalization(const Tensor& x, const Tensor& scale,
                         const Tensor& offset, const NormShape& shape) {
  const int64_t channels = shape.groups * shape.width;
  const auto fits = [&](const Tensor& t) {
    return !t.defined() || (t.dim() == 1 && t.size(0) == channels &&
                            is_plain(t) && t.is_contiguous());
  };
  // By rows, a row must be worth a vector; else there must be rows to go along.
  const bool is_worth_it =
      is_by_row(shape) ? shape.width >= 8 : shape.pixels >= 8 && channels >= 4;
  return switches().fast_norms.load(std::memory_order_relaxed) && is_plain(x) &&
         x.is_contiguous() && x.numel() > 0 && is_worth_it &&
         nothing_watches() && fits(scale) && fits(offset);
}

Normalized normalize_channels(const Tensor& x, const Tensor& scale,
                              const Tensor& offset, const NormShape& shape,
                              double eps, const AfterNorm& after) {
  if (is_by_row(shape) && (after.relu || after.addend.defined())) {
    Normalized n = normalize_channels(x, scale, offset, shape, eps);
    n.y = by_operations(n.y, after);
    return n;
  }
  NormForward f;
  if (wants_gradient({&x, &scale, &offset, &after.addend})) {
    const auto or_nothing = [](const Tensor& t) {
      return t.defined() ? c10::make_optional(t) : c10::nullopt;
    };
    f.y = Normalization::apply(x, or_nothing(scale), or_nothing(offset),
                               or_nothing(after.addend), after.relu, shape, eps,
                               &f);
  } else {
    f = norm_forward(x, scale, offset, shape, eps, after);
  }
  return {f.y, f.mean, f.variance};
}

}  // namespace snt::kernels
