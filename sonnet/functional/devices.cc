#include "sonnet/functional/devices.h"

#include <ATen/ATen.h>

namespace snt::functional::detail {

at::Tensor to_device(const at::Tensor& x,
                     const std::optional<at::Device>& device) {
  return device ? x.to(*device) : x;
}

at::Tensor to_host(const at::Tensor& x) { return x.detach().cpu(); }

at::Device first_accelerator() {
  return at::hasCUDA() ? at::Device(at::kCUDA, 0) : at::Device(at::kCPU);
}

}  // namespace snt::functional::detail
