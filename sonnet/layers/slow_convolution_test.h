// File: layers/slow_convolution_test.h
// Convolutions by their definition, in float64, one product at a time; for
// tests.

#pragma once

#include <ATen/ATen.h>

#include <array>
#include <cstdint>
#include <functional>
#include <vector>

namespace snt {

// Numbers for each spatial dimension.
struct SlowWindow {
  std::vector<int64_t> stride, rate;
  std::vector<std::array<int64_t, 2>> zeros;  // {before, after}
};

// Calls f(index) for every index below `sizes`, the last running fastest.
inline void for_each_index(
    at::IntArrayRef sizes,
    const std::function<void(const std::vector<int64_t>&)>& f) {
  std::vector<int64_t> index(sizes.size(), 0);
  for (int64_t left = c10::multiply_integers(sizes); left > 0; --left) {
    f(index);
    for (size_t d = sizes.size(); d-- > 0 && ++index[d] == sizes[d];) {
      index[d] = 0;
    }
  }
}

// The element of a tensor, for reading and writing.
inline double& element(const at::Tensor& x, const std::vector<int64_t>& index) {
  int64_t offset = 0;
  for (size_t d = 0; d < index.size(); ++d) offset += index[d] * x.stride(d);
  return x.data_ptr<double>()[offset];
}

// Calls f(out, in, k) for all positions of a kernel that hit an input of those
// sizes: in = out stride + k rate - before.
inline void for_each_hit(
    at::IntArrayRef outputs, at::IntArrayRef inputs, at::IntArrayRef kernel,
    const SlowWindow& window,
    const std::function<void(const std::vector<int64_t>& out,
                             const std::vector<int64_t>& in,
                             const std::vector<int64_t>& k)>& f) {
  for_each_index(outputs, [&](const std::vector<int64_t>& out) {
    for_each_index(kernel, [&](const std::vector<int64_t>& k) {
      std::vector<int64_t> in;
      for (size_t d = 0; d < k.size(); ++d) {
        const int64_t at = out[d] * window.stride[d] + k[d] * window.rate[d] -
                           window.zeros[d][0];
        if (at < 0 || at >= inputs[d]) return;
        in.push_back(at);
      }
      f(out, in, k);
    });
  });
}

// {n, position..., c}
inline std::vector<int64_t> place(int64_t n, std::vector<int64_t> position,
                                  int64_t c) {
  position.insert(position.begin(), n);
  position.push_back(c);
  return position;
}
// {position..., a, b}
inline std::vector<int64_t> weight_place(std::vector<int64_t> position,
                                         int64_t a, int64_t b) {
  position.push_back(a);
  position.push_back(b);
  return position;
}

// Of x [N, spatial..., C] with w [kernel..., C, O]: [N, spatial'..., O].
inline at::Tensor slow_convolution(const at::Tensor& x, const at::Tensor& w,
                                   const SlowWindow& window) {
  const int64_t dims = x.dim() - 2;
  const at::IntArrayRef inputs = x.sizes().slice(1, dims);
  const at::IntArrayRef kernel = w.sizes().slice(0, dims);
  std::vector<int64_t> outputs(dims, 0);
  for (int64_t d = 0; d < dims; ++d) {  // Count the windows that fit.
    const int64_t size = inputs[d] + window.zeros[d][0] + window.zeros[d][1];
    for (int64_t last = (kernel[d] - 1) * window.rate[d]; last < size;
         last += window.stride[d]) {
      ++outputs[d];
    }
  }
  at::Tensor y = at::zeros(place(x.size(0), outputs, w.size(-1)), at::kDouble);
  for_each_hit(outputs, inputs, kernel, window,
               [&](const auto& out, const auto& in, const auto& k) {
                 for_each_index({x.size(0), x.size(-1), w.size(-1)},
                                [&](const auto& i) {
                                  element(y, place(i[0], out, i[2])) +=
                                      element(x, place(i[0], in, i[1])) *
                                      element(w, weight_place(k, i[1], i[2]));
                                });
               });
  return y;
}

// Of x [N, spatial..., C] with w [kernel..., O, C]: [N, sizes..., O].
inline at::Tensor slow_transpose(const at::Tensor& x, const at::Tensor& w,
                                 const SlowWindow& window,
                                 const std::vector<int64_t>& sizes) {
  const int64_t dims = x.dim() - 2;
  at::Tensor y = at::zeros(place(x.size(0), sizes, w.size(-2)), at::kDouble);
  for_each_hit(x.sizes().slice(1, dims), sizes, w.sizes().slice(0, dims),
               window, [&](const auto& in, const auto& out, const auto& k) {
                 for_each_index({x.size(0), x.size(-1), w.size(-2)},
                                [&](const auto& i) {
                                  element(y, place(i[0], out, i[2])) +=
                                      element(x, place(i[0], in, i[1])) *
                                      element(w, weight_place(k, i[2], i[1]));
                                });
               });
  return y;
}

// TensorFlow's "SAME" in one dimension: ceil(size / stride) windows, the odd
// zero at the end.
inline std::array<int64_t, 2> slow_same(int64_t size, int64_t kernel,
                                        int64_t stride, int64_t rate) {
  int64_t windows = 0;
  while (windows * stride < size) ++windows;
  int64_t zeros = 0;
  while ((windows - 1) * stride + (kernel - 1) * rate >= size + zeros) ++zeros;
  return {zeros / 2, zeros - zeros / 2};
}

}  // namespace snt
