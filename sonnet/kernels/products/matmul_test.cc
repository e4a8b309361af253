#include "sonnet/kernels/products/matmul.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/bmm_cpu_dispatch.h>
#include <ATen/ops/mm_cpu_dispatch.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <limits>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "sonnet/core/gradients.h"
#include "sonnet/testing/expect_close.h"

namespace snt::kernels::matmul_test {
namespace {

using at::Tensor;

// Tests leave libtorch's own kernels on.
class Matmul : public testing::Test {
 protected:
  void SetUp() override { install_matmul(true); }
  void TearDown() override { install_matmul(false); }
};
using MatmulThreads = Matmul;

// A matrix (or batch) of one of five kinds of strides.
constexpr int kLayouts = 5;
Tensor stored(at::IntArrayRef sizes, int layout) {
  std::vector<int64_t> s = sizes.vec();
  std::vector<int64_t> swapped = s;
  std::swap(swapped[s.size() - 1], swapped[s.size() - 2]);
  std::vector<int64_t> wide = s;
  wide.back() = 2 * wide.back() + 3;
  std::vector<int64_t> row = s;
  row[s.size() - 2] = 1;
  switch (layout) {
    case 0:
      return at::randn(s);
    case 1:
      return at::randn(swapped).transpose(-1, -2);
    case 2:  // Rows apart.
      return at::randn(wide).slice(-1, 2, 2 + s.back());
    case 3:  // Numbers apart.
      return at::randn(wide).slice(-1, 1, 1 + 2 * s.back(), 2);
    default:  // One row, seen again and again.
      return at::randn(row).expand(s);
  }
}

struct Sizes {
  int64_t m, k, n;
};
const std::vector<Sizes>& sizes() {
  static const std::vector<Sizes> all = {
      {0, 3, 4},    {3, 0, 4},    {3, 4, 0},  {1, 1, 1},    {1, 300, 40},
      {40, 300, 1}, {60, 1, 300}, {2, 5, 3},  {33, 65, 17}, {70, 64, 130},
      {128, 30, 9}, {9, 2000, 9}, {16, 8, 64}};
  return all;
}

using Function = std::function<Tensor(const std::vector<Tensor>&)>;

std::vector<Tensor> in_double(const std::vector<Tensor>& xs) {
  std::vector<Tensor> result;
  for (const Tensor& x : xs) result.push_back(x.to(at::kDouble));
  return result;
}

// That f of float32 tensors gives what it gives in float64, up to rounding of
// `size`, by default that of the largest number.
void expect_as_in_double(const Function& f, const std::vector<Tensor>& xs,
                         Tensor size = {}) {
  const Tensor want = f(in_double(xs));
  const Tensor got = f(xs);
  if (want.numel() == 0) return expect_close(got, want, at::kFloat);
  if (!size.defined()) size = want.abs().max().clamp_min(1);
  expect_close((got / size).to(at::kFloat), want / size, /*factor=*/3);
}

// The same, where it is made of products of xs: up to rounding of their terms.
void expect_product(const Function& f, const std::vector<Tensor>& xs) {
  std::vector<Tensor> sizes;
  for (const Tensor& x : in_double(xs)) sizes.push_back(x.abs());
  expect_as_in_double(f, xs, f(sizes).abs() + 1e-30);
}

TEST_F(Matmul, IsTheProductForAllSizesAndStrides) {
  for (const auto& [m, k, n] : sizes()) {
    for (int la = 0; la < kLayouts; ++la) {
      for (int lb = 0; lb < kLayouts; ++lb) {
        SCOPED_TRACE(at::str(m, " ", k, " ", n, " layouts ", la, lb));
        expect_product([](const auto& x) { return at::mm(x[0], x[1]); },
                       {stored({m, k}, la), stored({k, n}, lb)});
        expect_product([](const auto& x) { return at::bmm(x[0], x[1]); },
                       {stored({3, m, k}, la), stored({3, k, n}, lb)});
      }
    }
  }
}

TEST_F(Matmul, AddsWhateverBroadcasts) {
  for (const auto& [m, k, n] : sizes()) {
    for (const std::vector<int64_t>& shape : std::vector<std::vector<int64_t>>{
             {n}, {1}, {}, {1, n}, {m, 1}, {m, n}}) {
      for (const auto& [beta, alpha] :
           {std::pair(1.0, 1.0), std::pair(0.5, -2.0), std::pair(1.0, 0.0)}) {
        const double times = beta, factor = alpha;
        const auto add = [&](const auto& x) {
          return x[1].dim() == 2 ? at::addmm(x[0], x[1], x[2], times, factor)
                                 : at::baddbmm(x[0], x[1], x[2], times, factor);
        };
        SCOPED_TRACE(at::str(m, " ", k, " ", n, " ", shape, " ", beta));
        const Tensor self =
            shape.size() == 2 ? stored(shape, 3) : at::randn(shape);
        expect_as_in_double(add, {self, at::randn({m, k}), at::randn({k, n})});
        expect_as_in_double(add,
                            {self, at::randn({2, m, k}), at::randn({2, k, n})});
      }
    }
  }
  expect_as_in_double(
      [](const auto& x) { return at::baddbmm(x[0], x[1], x[2]); },
      {stored({4, 1, 30}, 2), at::randn({4, 20, 10}), at::randn({4, 10, 30})});
}

TEST_F(Matmul, LeavesAnAddendTimesZeroOut) {
  const Tensor nan =
      at::full({40, 30}, std::numeric_limits<float>::quiet_NaN());
  const Tensor a = at::randn({40, 50}), b = at::randn({50, 30});
  expect_close(at::addmm(nan, a, b, /*beta=*/0),
               at::mm(a.to(at::kDouble), b.to(at::kDouble)), 30);
  EXPECT_TRUE(at::addmm(nan, a, b).isnan().all().item<bool>());
}

TEST_F(Matmul, WritesOutputsOfAnyKind) {
  const Tensor a = at::randn({40, 50}), b = at::randn({50, 30});
  const Tensor a3 = at::randn({2, 40, 50}), b3 = at::randn({2, 50, 30});
  const Tensor bias = at::randn({30}), square = at::randn({40, 40});
  const Tensor want = at::mm(a, b), want3 = at::bmm(a3, b3);
  for (int layout = 0; layout < 4; ++layout) {
    SCOPED_TRACE(layout);
    const Tensor outs[] = {stored({40, 30}, layout),
                           stored({2, 40, 30}, layout)};
    Tensor out = outs[0], out3 = outs[1];
    expect_close(at::mm_out(out, a, b), want, 30);
    expect_close(at::addmm_out(out, bias, a, b), want + bias, 30);
    expect_close(at::addmm_out(out, out, a, b), 2 * want + bias, 30);
    expect_close(out.addmm_(a, b, 2, -1), 3 * want + 2 * bias, 60);
    expect_close(at::bmm_out(out3, a3, b3), want3, 30);
    expect_close(at::baddbmm_out(out3, bias, a3, b3), want3 + bias, 30);
    expect_close(out3.baddbmm_(a3, b3, 2, -1), want3 + 2 * bias, 60);
    EXPECT_TRUE(out.is_same(outs[0]) && out.strides() == outs[0].strides());
  }
  Tensor empty = at::empty({0});
  expect_close(at::mm_out(empty, a, b), want, 30);
  // The addend is another part of the output's memory.
  const Tensor both = at::randn({80, 30});
  Tensor lower = both.slice(0, 40);
  const Tensor upper = both.slice(0, 0, 40).clone();
  expect_close(at::addmm_out(lower, both.slice(0, 0, 40), a, b), want + upper,
               30);
}

TEST_F(Matmul, TakesNothingUnusual) {
  const Tensor a = at::randn({40, 50}), b = at::randn({50, 30});
  const Tensor want = at::mm(a.to(at::kDouble), b.to(at::kDouble));
  for (const auto dtype : {at::kDouble, at::kBFloat16}) {
    expect_close(at::mm(a.to(dtype), b.to(dtype)) / 10, want / 10, dtype, 10);
  }
  EXPECT_TRUE(at::equal(at::mm(at::full({40, 50}, 2, at::kLong),
                               at::full({50, 30}, 3, at::kLong)),
                        at::full({40, 30}, 300, at::kLong)));
  expect_close(at::mm(a.to_sparse(), b), want, 30);
  expect_close(at::addmm(at::zeros({30}), at::_neg_view(a), b), -want, 30);
  EXPECT_THROW(at::mm(a, at::randn({51, 30})), c10::Error);
  EXPECT_THROW(at::mm(a, b.to(at::kDouble)), c10::Error);
  EXPECT_THROW(at::addmm(at::randn({31}), a, b), c10::Error);
  EXPECT_THROW(at::addmm(at::randn({1, 40, 30}), a, b), c10::Error);
  EXPECT_THROW(at::bmm(a, b), c10::Error);
  EXPECT_THROW(at::bmm(at::randn({2, 40, 50}), at::randn({3, 50, 30})),
               c10::Error);
}

TEST_F(Matmul, KeepsNaNAndInfinityWhereTheyAre) {
  const double inf = std::numeric_limits<double>::infinity();
  Tensor a = at::randn({40, 50}), b = at::randn({50, 30});
  a[3][7] = inf;
  a[5][8] = std::numeric_limits<double>::quiet_NaN();
  b[9][11] = -inf;
  b[7][2] = 0;  // Times infinity.
  a[1].mul_(1e-38);
  b.select(1, 4).mul_(1e-3);  // The products are denormal.
  const Tensor got = at::mm(a, b);
  install_matmul(false);
  const Tensor want = at::mm(a, b);
  EXPECT_TRUE(at::allclose(got, want, 1e-5, 1e-5, /*equal_nan=*/true));
  EXPECT_TRUE(at::equal(got.isnan(), want.isnan()));
  EXPECT_GT(got[1][4].abs().item<float>(), 0);
}

TEST_F(Matmul, HasTheGradientsOfThePlainPath) {
  for (const auto& [m, k, n] : sizes()) {
    if (m * k * n == 0) continue;
    for (int layout = 0; layout < kLayouts; ++layout) {
      SCOPED_TRACE(at::str(m, " ", k, " ", n, " layout ", layout));
      const Tensor weight = at::randn({m, n});
      const auto loss = [&](const std::vector<Tensor>& x) {
        const Tensor y = at::addmm(x[0], x[1], x[2]);
        return (at::tanh(y) * weight.to(y.scalar_type())).sum() + y.sum();
      };
      std::vector<Tensor> leaves = {at::randn({n}), stored({m, k}, layout),
                                    stored({k, n}, layout)};
      for (Tensor& t : leaves) {
        t = t.mul(1 / std::sqrt(static_cast<double>(k)));
        if (layout == 1 && t.dim() == 2) t = t.t().contiguous().t();
        t.requires_grad_();
      }
      for (size_t i = 0; i < leaves.size(); ++i) {
        expect_as_in_double(
            [&](const std::vector<Tensor>& x) {
              std::vector<Tensor> own;
              for (const Tensor& t : x) {
                own.push_back(t.detach().requires_grad_());
              }
              return gradients(loss(own), own)[i];
            },
            leaves);
        expect_as_in_double(  // Differentiated again.
            [&](const std::vector<Tensor>& x) {
              std::vector<Tensor> own;
              for (const Tensor& t : x) {
                own.push_back(t.detach().requires_grad_());
              }
              const auto first =
                  gradients(loss(own), own, {.create_graph = true});
              Tensor sum = at::zeros({}, x[0].options());
              for (const Tensor& g : first) sum = sum + g.square().sum();
              return gradients(sum, own)[i];
            },
            leaves);
      }
    }
  }
}

TEST_F(Matmul, WorksInInferenceMode) {
  const c10::InferenceMode guard;
  const Tensor y = at::mm(at::ones({40, 50}), at::ones({50, 30}));
  EXPECT_TRUE(y.is_inference());
  EXPECT_TRUE(at::equal(y, at::full({40, 30}, 50.0F)));
}

// Sizes at which libtorch's own product differs in the last bits.
std::pair<Tensor, Tensor> operands() {
  return {at::randn({130, 700}), at::randn({700, 210})};
}

TEST_F(Matmul, IsLibtorchsOwnWhileOff) {
  const auto [a, b] = operands();
  const Tensor ours = at::mm(a, b);
  EXPECT_TRUE(at::equal(at::mm(a, b), ours));
  install_matmul(false);
  EXPECT_TRUE(at::equal(at::mm(a, b), at::cpu::mm(a, b)));
  install_matmul(true);
  EXPECT_TRUE(at::equal(at::mm(a, b), ours));
}

TEST_F(MatmulThreads, ThreadsMayMultiplyAndSwitchAtOnce) {
  struct Case {
    Tensor a, b, want;
  };
  std::vector<Case> cases;
  for (const auto& [m, k, n] : sizes()) {
    const Tensor a = at::randn({m, k}), b = at::randn({k, n});
    cases.push_back({a, b, at::cpu::mm(a, b)});
  }
  std::atomic<bool> done{false};
  std::atomic<int> wrong{0};
  std::thread switcher([&] {
    for (bool on = false; !done; on = !on) install_matmul(on);
  });
  std::vector<std::thread> workers;
  for (int t = 0; t < 4; ++t) {
    workers.emplace_back([&] {
      const at::NoGradGuard no_grad;
      for (int i = 0; i < 20; ++i) {
        for (const Case& c : cases) {
          wrong += !at::allclose(at::mm(c.a, c.b), c.want, 1e-4, 1e-3);
        }
      }
    });
  }
  for (std::thread& worker : workers) worker.join();
  done = true;
  switcher.join();
  EXPECT_EQ(wrong, 0);
}

// ------------------------------------------------- in a process of their own
class MatmulProcess : public testing::Test {
 protected:
  void SetUp() override {
    GTEST_FLAG_SET(death_test_style, "threadsafe");  // From its start.
    at::globalContext();  // libtorch 2 wants it older than what uses it.
  }
};

bool is_right(int64_t size) {
  const at::NoGradGuard no_grad;
  bool right = true;
  for (const int64_t m : {int64_t{1}, size}) {
    const Tensor a = at::ones({m, size}), b = at::ones({size, size});
    const Tensor want = at::full({m, size}, static_cast<float>(size));
    right = right && at::equal(at::mm(a, b), want) &&
            at::equal(at::mm(at::ones({size, m}).t(), b.t()), want) &&
            at::equal(at::mm(a, b.t()), want);
  }
  return right;
}

// Multiplies when statics are destroyed.
struct Late {
  bool made = true;
  ~Late() {
    if (!is_right(130) || !is_right(20)) std::_Exit(3);
    std::fputs("the end", stderr);
  }
};

TEST_F(MatmulProcess, StaticsMayMultiplyInTheirDestructors) {
  const auto program = [](int threads) {
    at::set_num_threads(threads);
    static const Late before;
    install_matmul(true);
    static const Late between;
    if (!is_right(200)) std::_Exit(4);
    static const Late after;
    std::exit(before.made && between.made && after.made ? 0 : 1);
  };
  EXPECT_EXIT(program(1), testing::ExitedWithCode(0), "the end");
  EXPECT_EXIT(program(2), testing::ExitedWithCode(0), "the end");
}

TEST_F(MatmulProcess, ThreadsMayEndTheProcess) {
  const auto program = [] {
    install_matmul(true);
    static const Late between;
    if (!is_right(200)) std::_Exit(4);
    static const Late after;
    std::thread([] { std::exit(between.made && after.made ? 0 : 1); }).join();
  };
  EXPECT_EXIT(program(), testing::ExitedWithCode(0), "the end");
}

TEST_F(MatmulProcess, AChildMayMultiply) {
  const auto program = [] {
    at::set_num_threads(1);
    install_matmul(true);
    if (!is_right(200)) std::_Exit(4);
    const pid_t child = fork();
    if (child == 0) std::exit(is_right(200) && is_right(20) ? 0 : 5);
    int status = -1;
    waitpid(child, &status, 0);
    std::_Exit(WIFEXITED(status) ? WEXITSTATUS(status) : 6);
  };
  EXPECT_EXIT(program(), testing::ExitedWithCode(0), "");
}

TEST_F(MatmulProcess, ChangesNothingUntilInstalledAndThenWithoutAWarning) {
  const auto program = [] {
    const auto [a, b] = operands();  // Older than what is installed.
    const Tensor before = at::mm(a, b);
    if (!at::equal(before, at::cpu::mm(a, b))) std::_Exit(2);
    install_matmul(false);
    if (!at::equal(at::mm(a, b), before)) std::_Exit(3);
    install_matmul(true);
    install_matmul(true);
    if (!at::allclose(at::mm(a, b), before, 1e-4, 1e-3)) std::_Exit(4);
    std::fputs("done", stderr);
    std::_Exit(0);
  };
  EXPECT_EXIT(program(), testing::ExitedWithCode(0), "^done");
}

}  // namespace
}  // namespace snt::kernels::matmul_test
