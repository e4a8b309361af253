#include "sonnet/testing/expect_sequence.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <atomic>
#include <cmath>
#include <limits>
#include <thread>

#include "sonnet/kernels/simd.h"
#include "sonnet/kernels/switches.h"

namespace snt {
namespace {

using at::Tensor;
using torch::autograd::grad;
using Tensors = SequenceKernel::Tensors;

constexpr double kTolerance = 1e-5;

// The largest distance, relative to the largest number wanted.
double distance(const Tensor& got, const Tensor& want) {
  const Tensor exact = want.to(at::kDouble);
  return ((got.to(at::kDouble) - exact).abs().max() /
          exact.abs().max().clamp_min(1e-3))
      .item<double>();
}

Tensors leaves(const Tensors& from, at::ScalarType dtype) {
  Tensors made;
  for (const Tensor& t : from) {
    made.push_back(t.detach().to(dtype).set_requires_grad(true));
  }
  return made;
}

}  // namespace

std::vector<std::array<int64_t, 4>> sequence_sizes() {
  return {{1, 1, 1, 1},   {1, 5, 3, 2},    {7, 1, 4, 16},  {3, 2, 17, 33},
          {4, 31, 5, 15}, {2, 65, 40, 64}, {9, 4, 32, 31}, {12, 3, 1, 100}};
}

void expect_exact(const SequenceKernel& kernel, const Tensors& arguments) {
  const Tensors args = leaves(arguments, at::kFloat);
  const Tensors exact_args = leaves(arguments, at::kDouble);
  ASSERT_TRUE(kernel.takes(args));
  const Tensors got = kernel.fast(args), want = kernel.slow(exact_args);
  ASSERT_EQ(got.size(), want.size());
  Tensors weights, exact_weights;
  for (size_t i = 0; i < got.size(); ++i) {
    ASSERT_EQ(got[i].sizes(), want[i].sizes());
    EXPECT_LT(distance(got[i], want[i]), kTolerance) << "result " << i;
    weights.push_back(at::randn_like(got[i]));
    exact_weights.push_back(weights[i].to(at::kDouble));
  }
  const Tensors d = grad(got, args, weights);
  const Tensors exact_d = grad(want, exact_args, exact_weights);
  for (size_t i = 0; i < args.size(); ++i) {
    EXPECT_LT(distance(d[i], exact_d[i]), kTolerance) << "gradient " << i;
  }

  const at::NoGradGuard no_grad;
  const Tensors again = kernel.fast(args);
  for (size_t i = 0; i < got.size(); ++i) {
    EXPECT_TRUE(at::equal(again[i], got[i])) << "result " << i;
  }
}

void expect_exact_on_old_processors(const SequenceKernel& kernel,
                                    const Tensors& arguments) {
  for (int level : {0, 1}) {
    SCOPED_TRACE(testing::Message() << "level " << level);
    kernels::limit_isa_level(level);
    expect_exact(kernel, arguments);
    kernels::limit_isa_level(2);
  }
}

void expect_some_gradients(const SequenceKernel& kernel,
                           const Tensors& arguments) {
  const Tensors exact = leaves(arguments, at::kDouble);
  const Tensors want = kernel.slow(exact);
  for (size_t result = 0; result < want.size(); ++result) {
    const Tensors all_d = grad({want[result].sum()}, exact, {}, true);
    for (size_t wanted = 0; wanted < exact.size(); ++wanted) {
      const Tensors args = leaves(arguments, at::kFloat);
      for (size_t i = 0; i < args.size(); ++i) {
        args[i].set_requires_grad(i == wanted);
      }
      // The gradient of a sum has strides of 0.
      const Tensors d = grad({kernel.fast(args)[result].sum()}, {args[wanted]});
      EXPECT_LT(distance(d[0], all_d[wanted]), kTolerance)
          << "of result " << result << " for argument " << wanted;
    }
  }
}

void expect_backward_twice(const SequenceKernel& kernel,
                           const Tensors& arguments) {
  const Tensors args = leaves(arguments, at::kFloat);
  const Tensors got = kernel.fast(args);
  const Tensor loss = got[0].sum() + got.back().sum();
  const Tensors once = grad({loss}, args, {}, /*retain_graph=*/true);
  got[0].detach().zero_();
  const Tensors twice = grad({loss}, args);
  for (size_t i = 0; i < args.size(); ++i) {
    EXPECT_TRUE(at::equal(once[i], twice[i])) << "argument " << i;
  }
}

void expect_second_derivatives(const SequenceKernel& kernel,
                               const Tensors& arguments) {
  const auto second = [&](at::ScalarType dtype, const auto& f) {
    Tensors args = leaves(arguments, dtype);
    const Tensors of = args;
    args[1] = args[0][0].slice(1, 0, 1) * args[1] + args.back().slice(0, 0, 1);
    const Tensors got = f(args);
    const Tensor loss = got[0].square().sum() + got.back().sum();
    const Tensors d = grad({loss}, of, {}, true, /*create_graph=*/true);
    Tensor norm = d[0].square().sum();
    for (size_t i = 1; i < d.size(); ++i) norm = norm + d[i].square().sum();
    return grad({norm}, of);
  };
  const Tensors got = second(at::kFloat, kernel.fast);
  const Tensors want = second(at::kDouble, kernel.slow);
  for (size_t i = 0; i < got.size(); ++i) {
    EXPECT_LT(distance(got[i], want[i]), kTolerance) << "argument " << i;
  }
}

void expect_numbers_that_are_none(const SequenceKernel& kernel,
                                  SequenceKernel::Tensors arguments) {
  constexpr float kInf = std::numeric_limits<float>::infinity();
  at::Tensor &x = arguments[0], &h = arguments[1];
  x[0][0][1] = std::nanf("");
  x[0][1][1] = kInf;
  x[0][2][1] = -kInf;
  h[4][2] = 1e-40;
  x.select(1, 5).fill_(1e30);
  const auto got = kernel.fast(arguments), want = kernel.slow(arguments);
  ASSERT_EQ(got.size(), want.size());
  for (size_t i = 0; i < got.size(); ++i) {
    EXPECT_TRUE(at::allclose(got[i], want[i], 1e-5, 1e-6, /*equal_nan=*/true))
        << got[i] << want[i];
  }
}

void expect_takes_only_float(const SequenceKernel& kernel,
                             const Tensors& arguments) {
  EXPECT_TRUE(kernel.takes(arguments));
  for (size_t i = 0; i < arguments.size(); ++i) {
    Tensors other = arguments;
    other[i] = arguments[i].to(at::kDouble);
    EXPECT_FALSE(kernel.takes(other)) << "argument " << i;
    other[i] = at::empty(arguments[i].sizes(),
                         arguments[i].options().device(at::kMeta));
    EXPECT_FALSE(kernel.takes(other)) << "argument " << i;
  }
  kernels::switches().recurrent_sequences = false;
  EXPECT_FALSE(kernel.takes(arguments));
  kernels::switches().recurrent_sequences = true;
}

void expect_same_on_threads(const SequenceKernel& kernel,
                            const Tensors& arguments) {
  const auto run = [&] {
    const Tensors args = leaves(arguments, at::kFloat);
    const Tensors got = kernel.fast(args);
    Tensors all = grad({got[0].sum()}, args);
    all.push_back(got[0].detach());
    return all;
  };
  const Tensors want = run();
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      const Tensors got = run();
      for (size_t j = 0; j < got.size(); ++j) {
        wrong += distance(got[j], want[j]) > kTolerance;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

void expect_ended_sequences(
    const std::function<SequenceKernel(const Tensor& lengths)>& kernel,
    const std::function<Tensors(int64_t, int64_t, int64_t, int64_t)>&
        arguments) {
  for (const auto& [t, b, i, h] : sequence_sizes()) {
    SCOPED_TRACE(testing::Message() << t << " " << b << " " << i << " " << h);
    const Tensor lengths = at::randint(-1, t + 2, {b}, at::kInt);
    expect_exact(kernel(lengths), arguments(t, b, i, h));
  }
  const SequenceKernel ended = kernel(at::tensor({0, 3, 1, 2, 9, 2, 3}));
  const Tensors seven = arguments(4, 7, 5, 11);
  expect_exact(kernel(at::zeros({7}, at::kLong)), seven);
  expect_exact_on_old_processors(ended, seven);
  expect_some_gradients(ended, seven);
  expect_backward_twice(ended, seven);
  expect_second_derivatives(ended, seven);
  expect_numbers_that_are_none(kernel(at::tensor({0, 2, 1, 2, 1, 1})),
                               arguments(2, 6, 3, 5));
  expect_same_on_threads(ended, seven);

  const Tensors full = kernel(at::full({7}, 4)).fast(seven);
  const Tensors all = kernel({}).fast(seven);
  for (size_t i = 0; i < all.size(); ++i) {
    EXPECT_TRUE(at::equal(full[i], all[i])) << "result " << i;
  }
  EXPECT_FALSE(
      kernel(at::empty({7}, at::TensorOptions(at::kMeta).dtype(at::kLong)))
          .takes(seven));
}

}  // namespace snt
