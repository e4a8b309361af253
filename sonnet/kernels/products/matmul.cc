#include "sonnet/kernels/products/matmul.h"

#include <ATen/ATen.h>
#include <ATen/EmptyTensor.h>
#include <ATen/ops/addmm_cpu_dispatch.h>
#include <ATen/ops/baddbmm_cpu_dispatch.h>
#include <ATen/ops/bmm_cpu_dispatch.h>
#include <ATen/ops/mm_cpu_dispatch.h>
#include <c10/util/Exception.h>
#include <torch/library.h>
#include <torch/version.h>

#include <algorithm>
#include <atomic>
#include <mutex>

#include "sonnet/kernels/onednn.h"
#include "sonnet/kernels/plain.h"
#include "sonnet/kernels/products/gemm.h"

namespace snt::kernels {
namespace {

using at::Scalar;
using at::Tensor;

std::atomic<bool> matmul_is_on{false};

// Whether oneDNN's product is at least as fast as libtorch's, measured on an
// AVX-512 core: OpenBLAS is slower from 4000 multiply-adds on. MKL takes 0.95
// to 1.05 of the time, but less for small sizes, outer products and the like.
bool is_worth_it(int64_t m, int64_t n, int64_t k) {
  static const bool has_mkl = at::hasMKL();
  const double work = static_cast<double>(m) * n * k;
  if (!has_mkl) return work >= (k < 8 ? 1 << 14 : 1 << 13);
  return work >= 1 << 18 && std::min({m, n, k}) >= 8;
}

// The same with an addend, which libtorch copies first, as an operator of its
// own: half of the time of a small product.
bool is_worth_adding(int64_t m, int64_t n, int64_t k) {
  const double work = static_cast<double>(m) * n * k;
  const bool small = work <= 1 << 12 || (k >= 8 && work < 1 << 18);
  return (work > 0 && small) || is_worth_it(m, n, k);
}

const float* numbers(const Tensor& t) {
#if TORCH_VERSION_MAJOR >= 2
  return t.const_data_ptr<float>();
#else
  return t.data_ptr<float>();
#endif
}

// A product as libtorch's kernels receive it: a and b of rank 2 or 3, of sizes
// that fit.
class Product {
 public:
  Product(const Tensor& a, const Tensor& b, int64_t rank)
      : Product(a, b, rank, is_worth_it) {}

  // With beta * self, which broadcasts, and a factor alpha.
  Product(const Tensor& a, const Tensor& b, int64_t rank, const Tensor& self,
          const Scalar& beta, const Scalar& alpha)
      : Product(a, b, rank, is_worth_adding) {
    add(self, beta, alpha);
  }

  // Whether this product may be written to `out`.
  bool is_ours(const Tensor& out) const {
    if (!ours_ || !is_floats(out) || out.dim() != rank_) return false;
    if (out.size(-2) != g_.m || out.size(-1) != g_.n) return false;
    if (g_.n > 1 && out.stride(-1) != 1) return false;
    if (g_.m > 1 && out.stride(-2) < g_.n) return false;
    if (rank_ == 3) {
      if (out.size(0) != g_.batches) return false;
      if (g_.batches > 1 && out.stride(0) < g_.m * row_stride(out))
        return false;
    }
    const auto apart = [&out](const Tensor& t) {
      return !out.storage().is_alias_of(t.storage());
    };
    return apart(a_) && apart(b_) &&
           (addend_ == nullptr || addend_->is_same(out) || apart(*addend_));
  }
  bool is_ours() const { return ours_; }

  // Computes it into `out`, or into a new tensor.
  void run(const Tensor& out) {
    // An operand of odd strides is copied; the copy lives until the end.
    const Tensor a = packed(a_);
    const Tensor b = packed(b_);
    g_.a = operand(a);
    g_.b = operand(b);
    g_.out = out.data_ptr<float>();
    g_.out_stride = row_stride(out);
    g_.out_batch_stride = rank_ == 3 ? out.stride(0) : 0;
    gemm(g_);
  }
  Tensor run() {
    const at::DimVector sizes = rank_ == 3
                                    ? at::DimVector{g_.batches, g_.m, g_.n}
                                    : at::DimVector{g_.m, g_.n};
    const Tensor out = at::detail::empty_cpu(sizes, at::kFloat);
    run(out);
    return out;
  }

 private:
  Product(const Tensor& a, const Tensor& b, int64_t rank,
          bool (*worth)(int64_t m, int64_t n, int64_t k))
      : a_(a), b_(b), rank_(rank) {
    if (!matmul_is_on.load(std::memory_order_relaxed)) return;
    if (!is_floats(a) || !is_floats(b)) return;
    if (a.dim() != rank || b.dim() != rank) return;
    g_.m = a.size(-2);
    g_.k = a.size(-1);
    g_.n = b.size(-1);
    if (!worth(g_.m, g_.n, g_.k) || b.size(-2) != g_.k) return;
    if (rank == 3) {
      g_.batches = a.size(0);
      if (g_.batches == 0 || b.size(0) != g_.batches) return;
    }
    ours_ = is_alive();
  }

  void add(const Tensor& self, const Scalar& beta, const Scalar& alpha) {
    if (!ours_) return;
    ours_ = is_floats(self) && self.dim() <= rank_ && !beta.isComplex() &&
            !alpha.isComplex() && alpha.toDouble() != 0;
    if (!ours_) return;
    g_.alpha = alpha.to<float>();
    g_.beta = beta.to<float>();
    const auto stride = [&](int64_t from_last, int64_t size) -> int64_t {
      if (self.dim() < from_last) return 0;
      const int64_t own = self.size(-from_last);
      if (own != size && own != 1) ours_ = false;
      return own == 1 ? 0 : self.stride(-from_last);
    };
    g_.addend = {.data = numbers(self),
                 .batch_stride = rank_ == 3 ? stride(3, g_.batches) : 0,
                 .row_stride = stride(2, g_.m),
                 .column_stride = stride(1, g_.n)};
    addend_ = &self;
  }

  // Whether columns or rows, the last two dimensions in this order, are
  // contiguous and apart.
  static bool is_transposed(const Tensor& t) {
    return (t.size(-2) == 1 || t.stride(-2) == 1) &&
           (t.size(-1) == 1 || t.stride(-1) >= t.size(-2));
  }
  static bool is_straight(const Tensor& t) {
    return (t.size(-1) == 1 || t.stride(-1) == 1) &&
           (t.size(-2) == 1 || t.stride(-2) >= t.size(-1));
  }
  static Tensor packed(const Tensor& t) {
    return is_straight(t) || is_transposed(t) ? t : t.contiguous();
  }

  static int64_t row_stride(const Tensor& t) {
    return t.size(-2) == 1 ? t.size(-1) : t.stride(-2);
  }
  GemmOperand operand(const Tensor& t) const {
    const bool transposed = !is_straight(t);
    const int64_t apart = t.size(-1) == 1 ? t.size(-2) : t.stride(-1);
    return {.data = numbers(t),
            .stride = transposed ? apart : row_stride(t),
            .batch_stride = rank_ == 3 ? t.stride(0) : 0,
            .transposed = transposed};
  }

  const Tensor& a_;
  const Tensor& b_;
  const Tensor* addend_ = nullptr;
  int64_t rank_;
  bool ours_ = false;
  Gemm g_;
};

Tensor mm(const Tensor& a, const Tensor& b) {
  Product p(a, b, /*rank=*/2);
  return p.is_ours() ? p.run() : at::cpu::mm(a, b);
}

Tensor& mm_out(const Tensor& a, const Tensor& b, Tensor& out) {
  Product p(a, b, /*rank=*/2);
  if (!p.is_ours(out)) return at::cpu::mm_out(out, a, b);
  p.run(out);
  return out;
}

Tensor bmm(const Tensor& a, const Tensor& b) {
  Product p(a, b, /*rank=*/3);
  return p.is_ours() ? p.run() : at::cpu::bmm(a, b);
}

Tensor& bmm_out(const Tensor& a, const Tensor& b, Tensor& out) {
  Product p(a, b, /*rank=*/3);
  if (!p.is_ours(out)) return at::cpu::bmm_out(out, a, b);
  p.run(out);
  return out;
}

Tensor addmm(const Tensor& self, const Tensor& a, const Tensor& b,
             const Scalar& beta, const Scalar& alpha) {
  Product p(a, b, /*rank=*/2, self, beta, alpha);
  return p.is_ours() ? p.run() : at::cpu::addmm(self, a, b, beta, alpha);
}

Tensor& addmm_out(const Tensor& self, const Tensor& a, const Tensor& b,
                  const Scalar& beta, const Scalar& alpha, Tensor& out) {
  Product p(a, b, /*rank=*/2, self, beta, alpha);
  if (!p.is_ours(out)) {
    return at::cpu::addmm_out(out, self, a, b, beta, alpha);
  }
  p.run(out);
  return out;
}

Tensor& addmm_(Tensor& self, const Tensor& a, const Tensor& b,
               const Scalar& beta, const Scalar& alpha) {
  Product p(a, b, /*rank=*/2, self, beta, alpha);
  if (!p.is_ours(self)) return at::cpu::addmm_(self, a, b, beta, alpha);
  p.run(self);
  return self;
}

Tensor baddbmm(const Tensor& self, const Tensor& a, const Tensor& b,
               const Scalar& beta, const Scalar& alpha) {
  Product p(a, b, /*rank=*/3, self, beta, alpha);
  return p.is_ours() ? p.run() : at::cpu::baddbmm(self, a, b, beta, alpha);
}

Tensor& baddbmm_out(const Tensor& self, const Tensor& a, const Tensor& b,
                    const Scalar& beta, const Scalar& alpha, Tensor& out) {
  Product p(a, b, /*rank=*/3, self, beta, alpha);
  if (!p.is_ours(out)) {
    return at::cpu::baddbmm_out(out, self, a, b, beta, alpha);
  }
  p.run(out);
  return out;
}

Tensor& baddbmm_(Tensor& self, const Tensor& a, const Tensor& b,
                 const Scalar& beta, const Scalar& alpha) {
  Product p(a, b, /*rank=*/3, self, beta, alpha);
  if (!p.is_ours(self)) return at::cpu::baddbmm_(self, a, b, beta, alpha);
  p.run(self);
  return self;
}

#if TORCH_VERSION_MAJOR >= 2
namespace warnings = c10::WarningUtils;
#else
namespace warnings = c10::Warning;
#endif

// libtorch warns where a kernel takes another's place.
class Silence : public c10::WarningHandler {
#if TORCH_VERSION_MAJOR >= 2
  void process(const c10::Warning&) override {}
#else
  void process(const c10::SourceLocation&, const std::string&, bool) override {}
#endif
};

void register_kernels() {
  Silence silence;
  const warnings::WarningHandlerGuard guard(&silence);
  // Never destroyed: that would take the kernels out again.
  static auto* const kept = new torch::Library(
      torch::Library::IMPL, "aten", c10::DispatchKey::CPU, __FILE__, __LINE__);
  torch::Library& aten = *kept;
  aten.impl("mm", TORCH_FN(mm));
  aten.impl("mm.out", TORCH_FN(mm_out));
  aten.impl("bmm", TORCH_FN(bmm));
  aten.impl("bmm.out", TORCH_FN(bmm_out));
  aten.impl("addmm", TORCH_FN(addmm));
  aten.impl("addmm.out", TORCH_FN(addmm_out));
  aten.impl("addmm_", TORCH_FN(addmm_));
  aten.impl("baddbmm", TORCH_FN(baddbmm));
  aten.impl("baddbmm.out", TORCH_FN(baddbmm_out));
  aten.impl("baddbmm_", TORCH_FN(baddbmm_));
}

}  // namespace

void install_matmul(bool on) {
  static std::once_flag registered;
  if (on) {
    is_alive();  // What is made with the first call is made here.
    std::call_once(registered, register_kernels);
  }
  matmul_is_on.store(on, std::memory_order_relaxed);
}

}  // namespace snt::kernels
