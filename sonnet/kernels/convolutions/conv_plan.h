// File: kernels/convolutions/conv_plan.h
// oneDNN's convolutions of channels-last float32 arrays: made once for each
// shape, then run by any thread.

#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <oneapi/dnnl/dnnl.hpp>
#include <optional>
#include <vector>

namespace snt::kernels {

using ConvSizes = std::vector<int64_t>;

// Whether each is n.
bool are_all(at::IntArrayRef sizes, int64_t n);

// How a window goes over x: a number for each of 1 to 3 spatial dimensions.
// `before` and `after` are zeros around x.
struct ConvWindow {
  ConvSizes stride, before, after, rate;
  int64_t groups = 1;
};

// Sizes in libtorch's order:
//
//   x  [N, C, spatial...]   w  [out, C / groups, kernel...]
//   y  [N, out, spatial...]
struct ConvProblem {
  at::IntArrayRef x, w, y;
  const ConvWindow& window;
};

// Which of the three arrays is computed from the two others: y, the gradient of
// x from that of y, the gradient of w from that of y.
enum class ConvPass { y, x, w };

// What is computed in one go with it.
struct ConvExtras {
  bool bias = false;    // y + b; its gradient, with that of w.
  bool factor = false;  // w times a number for each output channel.
  bool addend = false;  // y + a third array of its shape.
  bool sum = false;     // y + what stood there before.
  bool relu = false;    // max(y, 0), which makes 0 of NaN.
};

// The arrays. x, y and the addend are dense with their channels last; w has the
// strides of its plan, which may be any.
struct ConvArrays {
  float* x = nullptr;
  float* w = nullptr;
  float* y = nullptr;
  float* b = nullptr;
  float* factor = nullptr;
  float* addend = nullptr;
};

// A convolution of one shape, for one number of threads. Thread-safe.
class ConvPlan {
 public:
  ConvPlan(const ConvProblem& problem, at::IntArrayRef w_strides, ConvPass pass,
           const ConvExtras& extras);
  // False where oneDNN has only the definition, written out.
  bool is_fast() const { return is_fast_; }
  void run(const ConvArrays& arrays) const;

 private:
  void run_convolution(const ConvArrays& arrays, float* w) const;

  dnnl::engine engine_;
  ConvPass pass_;
  ConvExtras extras_;
  bool is_fast_ = false;
  dnnl::primitive convolution_;
  dnnl::memory::desc x_, y_, b_, user_w_, w_, scratch_;
  std::optional<dnnl::reorder> reorder_;  // Between user_w_ and w_.
};

// That of the shape, or nullptr where oneDNN has none that is fast.
std::shared_ptr<const ConvPlan> conv_plan(const ConvProblem& problem,
                                          at::IntArrayRef w_strides,
                                          ConvPass pass,
                                          const ConvExtras& extras);

// Strides of a dense array of these sizes with its channels, dimension 1, last.
ConvSizes channels_last_strides(at::IntArrayRef sizes);

}  // namespace snt::kernels
