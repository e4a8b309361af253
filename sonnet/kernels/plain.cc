#include "sonnet/kernels/plain.h"

#include <ATen/ATen.h>
#include <ATen/TensorSubclassLikeUtils.h>
#include <ATen/core/grad_mode.h>
#include <c10/core/DispatchKeySet.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

#include <algorithm>

namespace snt::kernels {

bool is_floats(const at::Tensor& t) {
  const auto keys = t.key_set() -
                    c10::autograd_dispatch_keyset_with_ADInplaceOrView -
                    c10::autocast_dispatch_keyset;
  return t.defined() && t.scalar_type() == at::kFloat &&
         keys == c10::DispatchKeySet(c10::DispatchKey::CPU);
}

bool is_plain(const at::Tensor& t) {
  return is_floats(t) && t.numel() > 0 && !at::isTensorSubclassLike(t) &&
         !t._fw_grad(/*level=*/0).defined();
}

bool nothing_intercepts() {
  const auto intercepting = c10::impl::tls_local_dispatch_key_set().included_ -
                            c10::default_included_set -
                            c10::autocast_dispatch_keyset;
  return intercepting.empty();
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

float* elements_or_null(const at::Tensor& tensor) {
  return tensor.defined() ? tensor.data_ptr<float>() : nullptr;
}

}  // namespace snt::kernels
