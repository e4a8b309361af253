#include "sonnet/kernels/plain.h"

#include <ATen/ATen.h>
#include <ATen/TensorSubclassLikeUtils.h>
#include <ATen/core/grad_mode.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

#include <algorithm>

namespace snt::kernels {

bool is_plain(const at::Tensor& t) {
  return t.defined() && t.is_cpu() && t.scalar_type() == at::kFloat &&
         t.layout() == at::kStrided && t.numel() > 0 && !t.is_neg() &&
         !at::isTensorSubclassLike(t) && !t._fw_grad(/*level=*/0).defined();
}

bool nothing_watches() {
  using c10::DispatchKey;
  return !c10::impl::tls_is_dispatch_key_included(DispatchKey::Tracer) &&
         c10::impl::tls_is_dispatch_key_excluded(DispatchKey::AutocastCPU);
}

bool wants_gradient(std::initializer_list<const at::Tensor*> tensors) {
  return at::GradMode::is_enabled() &&
         std::any_of(tensors.begin(), tensors.end(), [](const at::Tensor* t) {
           return t->defined() && t->requires_grad();
         });
}

}  // namespace snt::kernels
