// Updates in one pass against the operations of libtorch.

#include "sonnet/optimizers/one_pass.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "sonnet/kernels/switches.h"
#include "sonnet/optimizers/optimizer.h"
#include "sonnet/optimizers/reference_test.h"
#include "sonnet/optimizers/rules_test.h"
#include "sonnet/optimizers/sgd.h"

namespace snt::optimizers::one_pass_test {
namespace {

// For the time of a test.
struct Switched {
  explicit Switched(bool on) { kernels::switches().one_pass_updates = on; }
  ~Switched() { kernels::switches().one_pass_updates = before; }
  const bool before = kernels::switches().one_pass_updates;
};

struct OnePassRules : testing::TestWithParam<Rule> {
  // The parameters after three steps.
  std::vector<at::Tensor> train(
      bool on, const std::vector<at::Tensor>& initial,
      const std::function<std::vector<at::Tensor>(int64_t step)>& updates) {
    const Switched switched(on);
    const Optimizer optimizer = GetParam().make();
    std::vector<Variable> parameters;
    for (const at::Tensor& x : initial) parameters.emplace_back(x);
    for (int64_t step = 0; step < 3; ++step) {
      optimizer.apply(updates(step), parameters);
    }
    std::vector<at::Tensor> result;
    for (const Variable& p : parameters) result.push_back(p.value().detach());
    return result;
  }
};

const std::vector<std::vector<int64_t>> shapes = {{0, 3},   {},      {7},
                                                  {4, 250}, {40003}, {3, 5}};

std::vector<at::Tensor> initial() {
  std::vector<at::Tensor> result;
  for (const auto& shape : shapes) {
    result.push_back(uneven(shape, int64_t(result.size()), at::kFloat));
  }
  return result;
}

std::vector<at::Tensor> dense(int64_t step) {
  std::vector<at::Tensor> result;
  for (const auto& shape : shapes) {
    result.push_back(
        uneven(shape, 7 * step + int64_t(result.size()), at::kFloat));
  }
  return result;
}

// Some strange in their layout, one missing, one sparse.
std::vector<at::Tensor> mixed(int64_t step) {
  std::vector<at::Tensor> result = dense(step);
  result[3] = result[3].t().contiguous().t();
  result[4] = result[4].repeat_interleave(2).slice(0, 0, c10::nullopt, 2);
  if (step == 1) result[2] = at::Tensor();
  if (step > 0) result[5] = result[5].to_sparse(1);
  return result;
}

// libtorch fuses some a + b * c and the kernels do not: each of the three steps
// may add a unit or two in the last place of what is added up, which is of the
// order of 1.
void expect_close(const std::vector<at::Tensor>& a,
                  const std::vector<at::Tensor>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    EXPECT_TRUE(at::allclose(a[i], b[i], 2.5e-7, 2.5e-7, true))
        << i << ": " << (a[i] - b[i]).abs().max();
  }
}

TEST_P(OnePassRules, AgreeWithTheSwitchOff) {
  expect_close(train(true, initial(), dense), train(false, initial(), dense));
}

TEST_P(OnePassRules, TakeGradientsOfAnyLayout) {
  const auto plainly = [](int64_t step) {
    std::vector<at::Tensor> result = mixed(step);
    for (at::Tensor& g : result) {
      if (g.defined()) g = g.to_dense().contiguous();
    }
    return result;
  };
  const auto got = train(true, initial(), mixed);
  const auto want = train(true, initial(), plainly);
  for (size_t i = 0; i < got.size(); ++i) {
    EXPECT_TRUE(at::equal(got[i], want[i])) << i;
  }
  expect_close(got, train(false, initial(), mixed));
}

// [rows, columns...] with rows that are given, some of them more than once.
at::Tensor sparse(at::IntArrayRef shape, const std::vector<int64_t>& rows,
                  int64_t salt) {
  std::vector<int64_t> sizes = {static_cast<int64_t>(rows.size())};
  sizes.insert(sizes.end(), shape.begin() + 1, shape.end());
  return at::sparse_coo_tensor(at::tensor(rows, at::kLong).view({1, -1}),
                               uneven(sizes, salt, at::kFloat), shape);
}

TEST_P(OnePassRules, TakeSparseGradients) {
  const std::vector<at::Tensor> start = {
      uneven({6, 3}, 1, at::kFloat), uneven({5}, 2, at::kFloat),
      uneven({9, 2, 40}, 3, at::kFloat), uneven({3, 2}, 4, at::kFloat)};
  const auto updates = [](int64_t step) {
    return std::vector<at::Tensor>{
        sparse({6, 3}, {5, 0, 5, 2, 5}, step), sparse({5}, {step, 4}, step),
        sparse({9, 2, 40}, {1, 8, 1, 3, 3, 1, 0}, step).coalesce(),
        step == 0 ? sparse({3, 2}, {}, step)
                  : uneven({3, 2}, step, at::kFloat)};
  };
  const auto got = train(true, start, updates);
  expect_close(got, train(false, start, updates));
  // Rows that no gradient has stay as they were.
  EXPECT_TRUE(at::equal(got[0][1], start[0][1]));
  EXPECT_TRUE(at::equal(got[2][4], start[2][4]));
}

// Values that are one number, of an odd layout, or views.
TEST_P(OnePassRules, TakeSparseGradientsOfAnyLayout) {
  const at::Tensor rows = at::tensor({3, 0, 3, 1}, at::kLong).view({1, -1});
  for (const at::Tensor& values :
       {at::full({1, 1}, 0.5F).expand({4, 2}),
        uneven({2, 4}, 1, at::kFloat).t(),
        uneven({4, 9}, 1, at::kFloat).slice(1, 2, 4)}) {
    const auto updates = [&](int64_t) {
      return std::vector<at::Tensor>{
          at::_sparse_coo_tensor_unsafe(rows, values, {4, 2})};
    };
    const std::vector<at::Tensor> start = {uneven({4, 2}, 5, at::kFloat)};
    expect_close(train(true, start, updates), train(false, start, updates));
  }
}

// libtorch checks the rows of a sparse tensor, unless it is asked not to.
TEST_P(OnePassRules, SparseRowsOutsideOfTheTableAreErrors) {
  for (const bool on : {true, false}) {
    const Switched switched(on);
    const Variable w(at::ones({3, 2}));
    const at::Tensor g = at::_sparse_coo_tensor_unsafe(
        at::tensor({0, 3}, at::kLong).view({1, 2}), at::ones({2, 2}), {3, 2});
    EXPECT_ANY_THROW(GetParam().make().apply({g}, {w}));
    EXPECT_TRUE(at::equal(w.value(), at::ones({3, 2})));
  }
}

// Values that are rows of the parameter itself.
TEST_P(OnePassRules, TakeSparseGradientsThatShareMemoryWithParameters) {
  const auto steps = [&](bool on) {
    const Switched switched(on);
    const Optimizer optimizer = GetParam().make();
    const Variable a(uneven({4, 2}, 1, at::kFloat));
    for (int i = 0; i < 3; ++i) {
      optimizer.apply({at::_sparse_coo_tensor_unsafe(
                          at::tensor({2, 0}, at::kLong).view({1, 2}),
                          a.value().detach().slice(0, 1, 3), {4, 2})},
                      {a});
    }
    return std::vector<at::Tensor>{a.value()};
  };
  expect_close(steps(true), steps(false));
}

TEST_P(OnePassRules, SparseOnesAreTheSameOnManyThreads) {
  const std::vector<at::Tensor> start = {uneven({700, 64}, 1, at::kFloat)};
  const auto updates = [](int64_t step) {
    std::vector<int64_t> rows;
    for (int64_t i = 0; i < 3000; ++i) {
      rows.push_back((i * i + step) % (i % 3 == 0 ? 7 : 700));
    }
    return std::vector<at::Tensor>{sparse({700, 64}, rows, step)};
  };
  const int before = at::get_num_threads();
  at::set_num_threads(1);
  const at::Tensor want = train(true, start, updates)[0];
  const at::Tensor plain = train(false, start, updates)[0];
  at::set_num_threads(3);
  EXPECT_TRUE(at::equal(train(true, start, updates)[0], want));
  // The sums of up to 150 rows differ by what is rounded in them.
  EXPECT_TRUE(at::allclose(want, plain, 1e-4, 1e-4))
      << (want - plain).abs().max();
  at::set_num_threads(before);
}

TEST_P(OnePassRules, AgreeWithDoubles) {
  std::vector<at::Tensor> doubles = initial();
  for (at::Tensor& x : doubles) x = x.to(at::kDouble);
  const auto exact = train(true, doubles, [](int64_t step) {
    std::vector<at::Tensor> result = dense(step);
    for (at::Tensor& g : result) g = g.to(at::kDouble);
    return result;
  });
  const auto got = train(true, initial(), dense);
  for (size_t i = 0; i < got.size(); ++i) {
    EXPECT_TRUE(at::allclose(got[i].to(at::kDouble), exact[i], 2e-6, 2e-6))
        << i << ": " << (got[i] - exact[i]).abs().max();
  }
}

TEST_P(OnePassRules, MixWithOtherDtypes) {
  const auto start = [] {
    std::vector<at::Tensor> result = initial();
    result[1] = result[1].to(at::kDouble);
    result[3] = result[3].to(at::kBFloat16);
    return result;
  };
  const auto updates = [](int64_t step) {
    std::vector<at::Tensor> result = dense(step);
    result[1] = result[1].to(at::kDouble);
    result[3] = result[3].to(at::kBFloat16);
    return result;
  };
  const auto got = train(true, start(), updates);
  const auto want = train(false, start(), updates);
  EXPECT_TRUE(at::equal(got[1], want[1]));
  EXPECT_TRUE(at::allclose(got[3], want[3], 0, 0, /*equal_nan=*/true));
  expect_close(got, want);
}

TEST_P(OnePassRules, KeepNaNInfinityAndDenormals) {
  constexpr float inf = std::numeric_limits<float>::infinity();
  const at::Tensor strange =
      at::tensor({0.0F, inf, -inf, std::numeric_limits<float>::quiet_NaN(),
                  1e-40F, -1e-42F, 1e-30F, 1e20F, 3e38F, 1.0F});
  const auto updates = [&](int64_t step) {
    return std::vector<at::Tensor>{strange.roll(step).repeat({5})};
  };
  const at::Tensor theta = strange.repeat_interleave(5);
  const at::Tensor got = train(true, {theta}, updates)[0];
  const at::Tensor want = train(false, {theta}, updates)[0];
  EXPECT_TRUE(at::allclose(got, want, 5e-7, 1e-42, /*equal_nan=*/true))
      << at::stack({got, want}, 1);
}

TEST_P(OnePassRules, TellAutogradThatParametersHaveChanged) {
  const Variable w(at::ones({3}));
  const Variable other(at::ones({2}));
  const Optimizer optimizer = GetParam().make();
  const at::Tensor y = w.value().square().sum();  // Its gradient needs w.
  const auto version = w.value()._version();
  const void* memory = w.value().data_ptr();
  optimizer.apply({at::ones({3}), at::Tensor()}, {w, other});
  EXPECT_GT(w.value()._version(), version);
  EXPECT_EQ(other.value()._version(), 0);
  EXPECT_EQ(w.value().data_ptr(), memory);
  EXPECT_TRUE(w.value().is_leaf() && w.value().requires_grad());
  EXPECT_ANY_THROW(y.backward());
}

// A gradient that is the parameter itself, or a part of another one.
TEST_P(OnePassRules, TakeGradientsThatShareMemoryWithParameters) {
  const auto steps = [&](bool on) {
    const Switched switched(on);
    const Optimizer optimizer = GetParam().make();
    const Variable a(uneven({4}, 1, at::kFloat));
    const Variable b(uneven({2}, 2, at::kFloat));
    for (int i = 0; i < 3; ++i) {
      optimizer.apply({a.value(), a.value().slice(0, 1, 3)}, {a, b});
    }
    return std::vector<at::Tensor>{a.value(), b.value()};
  };
  expect_close(steps(true), steps(false));
}

INSTANTIATE_TEST_SUITE_P(Each, OnePassRules, testing::ValuesIn(rules()),
                         name_of);

TEST(OnePass, SGDTakesAParameterTwice) {
  const Variable w(at::ones({3}));
  const SGD sgd{.learning_rate = 0.25};
  sgd.apply({at::ones({3}), at::full({3}, 2.0)}, {w, w});
  EXPECT_TRUE(at::equal(w.value(), at::full({3}, 0.25)));
}

TEST(OnePass, RefusesWhatDoesNotFit) {
  at::Tensor theta = at::ones({4, 2});
  at::Tensor m = at::ones({4, 2});
  const auto before = theta._version();
  int calls = 0;
  const auto count = [&](const auto&) { ++calls; };
  const at::Tensor g = at::ones({4, 2});
  EXPECT_TRUE(detail::update_in_one_pass(g, {&theta, &m}, count));
  EXPECT_TRUE(
      detail::update_in_one_pass(g.t().contiguous().t(), {&theta, &m}, count));
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(theta._version(), before + 2);

  const at::Tensor transposed = at::ones({2, 4}).t();
  const at::Tensor doubles = at::ones({4, 2}, at::kDouble);
  EXPECT_FALSE(detail::update_in_one_pass(g, {&transposed, &m}, count));
  EXPECT_FALSE(detail::update_in_one_pass(g, {&theta, &doubles}, count));
  EXPECT_FALSE(detail::update_in_one_pass(doubles, {&theta, &m}, count));
  EXPECT_FALSE(detail::update_in_one_pass(at::ones({2}), {&theta}, count));
  EXPECT_FALSE(detail::update_in_one_pass(g, {&theta, &theta}, count));
  EXPECT_FALSE(detail::update_in_one_pass(theta, {&theta, &m}, count));
  const Switched off(false);
  EXPECT_FALSE(detail::update_in_one_pass(g, {&theta, &m}, count));
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(theta._version(), before + 2);
}

}  // namespace
}  // namespace snt::optimizers::one_pass_test
