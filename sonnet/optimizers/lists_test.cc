#include "sonnet/optimizers/lists.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "sonnet/kernels/switches.h"
#include "sonnet/optimizers/optimizer.h"
#include "sonnet/optimizers/reference_test.h"
#include "sonnet/optimizers/rules_test.h"

namespace snt::optimizers::lists_test {
namespace {

using detail::Tensors;

struct ListRules : testing::TestWithParam<Rule> {
  // The parameters after three steps, of shapes and dtypes of all kinds, with a
  // missing update, one of rows, and some with strides of their own.
  Tensors train(bool on) {
    kernels::switches().one_pass_updates = on;
    const Optimizer optimizer = GetParam().make();
    std::vector<Variable> parameters;
    const auto all = [](int64_t salt) {
      return Tensors{uneven({3, 5}, salt, at::kDouble),
                     uneven({}, salt + 1, at::kDouble),
                     uneven({7}, salt + 2, at::kBFloat16),
                     uneven({0, 2}, salt + 3, at::kDouble),
                     uneven({4, 6}, salt + 4, at::kDouble).t(),
                     uneven({9}, salt + 5, at::kDouble),
                     uneven({5, 2}, salt + 6, at::kDouble),
                     uneven({40003}, salt + 7, at::kDouble)};
    };
    for (const at::Tensor& x : all(1)) parameters.emplace_back(x);
    for (int64_t step = 0; step < 3; ++step) {
      Tensors updates = all(20 * step);
      updates[0] = updates[0].t().contiguous().t();
      if (step == 1) updates[5] = at::Tensor();
      if (step > 0) updates[6] = updates[6].to_sparse(1);
      optimizer.apply(updates, parameters);
    }
    kernels::switches().one_pass_updates = true;
    Tensors result;
    for (const Variable& p : parameters) {
      EXPECT_TRUE(p.value().is_leaf() && p.value().requires_grad());
      result.push_back(p.value().detach());
    }
    return result;
  }
};

TEST_P(ListRules, GiveTheSameNumbersAsOneByOne) {
  const Tensors got = train(true), want = train(false);
  for (size_t i = 0; i < got.size(); ++i) {
    EXPECT_TRUE(at::allclose(got[i], want[i], 0, 0, /*equal_nan=*/true)) << i;
  }
}

// What one update changes may be what the next one reads.
TEST_P(ListRules, SharedMemoryIsUpdatedInOrder) {
  const auto steps = [&](bool on) {
    kernels::switches().one_pass_updates = on;
    const Optimizer optimizer = GetParam().make();
    const Variable a(uneven({4}, 1, at::kDouble));
    const Variable b(uneven({2}, 2, at::kDouble));
    for (int i = 0; i < 3; ++i) {
      optimizer.apply({a.value(), a.value().slice(0, 1, 3)}, {a, b});
    }
    kernels::switches().one_pass_updates = true;
    return at::cat({a.value(), b.value()}).detach();
  };
  EXPECT_TRUE(at::equal(steps(true), steps(false)));
}

INSTANTIATE_TEST_SUITE_P(Each, ListRules, testing::ValuesIn(rules()), name_of);

TEST(TakeLists, TakesWhatCanBeMadeTogether) {
  const auto ones = [](at::IntArrayRef shape, at::ScalarType dtype) {
    return at::ones(shape, dtype);
  };
  const Tensors updates = {ones({3}, at::kDouble),      ones({2}, at::kHalf),
                           ones({2, 2}, at::kDouble),   ones({4}, at::kFloat),
                           ones({5}, at::kFloat),       at::Tensor(),
                           ones({1 << 15}, at::kDouble)};
  std::vector<Variable> parameters;
  for (const at::Tensor& g : updates) {
    parameters.emplace_back(g.defined() ? g * 2 : at::ones({1}));
  }
  const Slots m;
  m.initialize(parameters);
  const std::vector<size_t> positions = {0, 1, 2, 3, 4, 5, 6};
  std::vector<size_t> others = {0, 1, 2, 3, 4, 6};
  const auto take = [&] {
    return detail::take_lists(updates, parameters, {&m}, positions, others);
  };
  const auto lists = take();
  ASSERT_EQ(lists.size(), 2u);
  EXPECT_EQ(others, (std::vector<size_t>{1, 6}));
  EXPECT_EQ(lists[0].dtype, at::kDouble);
  ASSERT_EQ(lists[0].g.size(), 2u);
  EXPECT_TRUE(lists[0].g[1].is_same(updates[2]));
  EXPECT_TRUE(lists[0].values[0][1].is_same(parameters[2].value()));
  EXPECT_TRUE(lists[0].values[1][1].is_same(m[2].value()));
  EXPECT_EQ(lists[1].dtype, at::kFloat);

  others = {0};  // Alone.
  EXPECT_TRUE(take().empty());
  others = {0, 2};
  kernels::switches().one_pass_updates = false;
  EXPECT_TRUE(take().empty());
  kernels::switches().one_pass_updates = true;
  parameters[2] = parameters[0];  // Twice.
  EXPECT_TRUE(take().empty());
  EXPECT_EQ(others, (std::vector<size_t>{0, 2}));
}

}  // namespace
}  // namespace snt::optimizers::lists_test
