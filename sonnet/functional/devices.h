// File: functional/devices.h
// Values and functions on other devices.

#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <optional>
#include <utility>

#include "sonnet/core/is_tree.h"

namespace snt::functional {

namespace detail {

at::Tensor to_device(const at::Tensor& x,
                     const std::optional<at::Device>& device);
at::Tensor to_host(const at::Tensor& x);
at::Device first_accelerator();

template <class F>
struct OnDevice {
  template <class... Args>
  decltype(auto) operator()(Args&&... args) const {
    const auto move = [this](const at::Tensor& x) {
      return to_device(x, device);
    };
    return std::invoke(f, tree::map_if_tree(move, std::forward<Args>(args))...);
  }

  F f;
  std::optional<at::Device> device;
};

}  // namespace detail

// The nest of tensors on another device; as it is without one.
//
//     at::Tensor x = snt::functional::device_put(at::ones({2}), at::kCPU);
template <class T>
T device_put(const T& tree, std::optional<at::Device> device = {}) {
  return tree::map(
      [&](const at::Tensor& x) { return detail::to_device(x, device); }, tree);
}

// The nest of tensors in the memory of the host, without graph.
//
//     at::Tensor x = snt::functional::device_get(at::ones({2}));
template <class T>
T device_get(const T& tree) {
  return tree::map([](const at::Tensor& x) { return detail::to_host(x); },
                   tree);
}

// f with its arguments moved to `device`, by default the first accelerator, or
// the CPU where there is none. (Nothing is compiled: f runs as written.
// Parameters must come as arguments to be moved: `jit(f.apply)` of a
// transform.)
//
//     snt::nets::MLP mlp{.output_sizes = {8, 2}};
//     auto f = snt::functional::transform(mlp);
//     auto fast = snt::functional::jit(f.apply);
//     at::Tensor y = fast(f.init(at::ones({1, 3})), at::ones({4, 3}));
template <class F>
auto jit(F f, std::optional<at::Device> device = {}) {
  return detail::OnDevice<F>{std::move(f),
                             device ? device : detail::first_accelerator()};
}

}  // namespace snt::functional
