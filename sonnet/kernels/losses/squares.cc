#include "sonnet/kernels/losses/squares.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/saved_variable.h>

#include <algorithm>
#include <mutex>

#include "sonnet/kernels/losses/own_node.h"
#include "sonnet/kernels/parallel.h"
#include "sonnet/kernels/plain.h"
#include "sonnet/kernels/simd.h"

namespace snt::kernels {
namespace {

using at::Tensor;
using torch::autograd::variable_list;

// Numbers that a thread takes at a time.
constexpr int64_t kPiece = int64_t{1} << 15;

// out[i] = a[i] (factor x[i]), or a[0] for all.
struct MultiplyArgs {
  const float* a;
  bool one_for_all;
  const float* x;
  float factor;
  float* out;
  int64_t size;
};

template <class Isa>
struct Multiply {
  template <bool kOneForAll>
  static SNT_INLINE void loop(const MultiplyArgs& args) {
    using V = Floats<Isa>;
    const V one = V{} + args.a[0];
    for_vectors<Isa>(
        args.size, [&](int64_t i,
                       int64_t count) __attribute__((always_inline)) {
          const V a = kOneForAll ? one : load<Isa>(args.a + i, count);
          const V x = load<Isa>(args.x + i, count);
          store<Isa>(args.out + i, a * (x * args.factor), count);
        });
  }
  static SNT_INLINE void run(MultiplyArgs& args) {
    args.one_for_all ? loop<true>(args) : loop<false>(args);
  }
};
SNT_DEFINE_RUN(Multiply, MultiplyArgs)

// Whether all of its numbers are the same memory.
bool is_one_number(const Tensor& a) {
  return std::all_of(a.strides().begin(), a.strides().end(),
                     [](int64_t stride) { return stride == 0; });
}

// Whether `product` takes them: x is dense, and a has its memory format or is
// one number.
bool is_product(const Tensor& a, const Tensor& x) {
  return is_plain(a) && is_plain(x) && x.is_non_overlapping_and_dense() &&
         a.sizes() == x.sizes() &&
         (a.strides() == x.strides() || is_one_number(a));
}

// The same for whole tensors: their memory, number by number.
Tensor product(const Tensor& a, const Tensor& x, float factor) {
  const Tensor out = at::empty_like(x);
  const int64_t size = x.numel();
  const bool one_for_all = is_one_number(a);
  parallel_for_each((size + kPiece - 1) / kPiece, [&](int64_t piece) {
    const int64_t first = piece * kPiece;
    MultiplyArgs args = {
        a.data_ptr<float>() + (one_for_all ? 0 : first),
        one_for_all,
        x.data_ptr<float>() + first,
        factor,
        out.data_ptr<float>() + first,
        std::min(kPiece, size - first),
    };
    run_Multiply(args);
  });
  return out;
}

class SquareBackward : public torch::autograd::Node {
 public:
  explicit SquareBackward(const Tensor& x) : x_(x, /*is_output=*/false) {}

  variable_list apply(variable_list&& gradients) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    const Tensor& dy = gradients[0];
    if (!dy.defined()) return {Tensor()};
    const Tensor x = x_.unpack();
    const bool ours = !at::GradMode::is_enabled() && is_product(dy, x);
    return {ours ? product(dy, x, 2) : dy * (x * 2)};
  }

  void release_variables() override {
    const std::lock_guard<std::mutex> lock(mutex_);
    x_.reset_data();
  }

 private:
  torch::autograd::SavedVariable x_;
};

Tensor power(c10::DispatchKeySet keys, const Tensor& x,
             const at::Scalar& exponent) {
  const auto is_square = [&] {
    return !exponent.isComplex() && exponent.toDouble() == 2;
  };
  if (!takes_node(x) || !is_square() || !x.is_non_overlapping_and_dense()) {
    return at::_ops::pow_Tensor_Scalar::redispatch(keys_of_libtorch(keys), x,
                                                   exponent);
  }
  Tensor y = product(x, x, 1);
  set_node(y, x, make_node<SquareBackward>(x));
  return y;
}

}  // namespace

void install_squares() {
  static std::once_flag registered;
  std::call_once(registered, [] {
    register_own("pow.Tensor_Scalar", c10::DispatchKey::AutogradCPU,
                 torch::CppFunction(TORCH_FN(power)));
  });
}

}  // namespace snt::kernels
