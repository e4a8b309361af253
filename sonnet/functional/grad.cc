#include "sonnet/functional/grad.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

namespace snt::functional::detail {
namespace {

thread_local int open_scopes = 0;

}  // namespace

GradScope::GradScope()
    : grad_mode_before_(at::GradMode::is_enabled()),
      keeps_graph_(open_scopes > 0) {
  ++open_scopes;
  at::GradMode::set_enabled(true);
}

GradScope::~GradScope() {
  --open_scopes;
  at::GradMode::set_enabled(grad_mode_before_);
}

at::Tensor GradScope::watch(const at::Tensor& x) {
  if (!x.is_floating_point()) return x;
  if (!x.requires_grad()) return x.detach().requires_grad_();
  keeps_graph_ |= grad_mode_before_;
  return x.view_as(x);
}

at::Tensor GradScope::result(const at::Tensor& x) const {
  return keeps_graph_ ? x : x.detach();
}

}  // namespace snt::functional::detail
