// File: testing/expect_unroll.h
// What holds for a core with a kernel for whole sequences.

#pragma once

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <vector>

#include "sonnet/core/getter.h"
#include "sonnet/core/gradients.h"
#include "sonnet/core/random.h"
#include "sonnet/core/tree.h"
#include "sonnet/core/variables.h"
#include "sonnet/kernels/switches.h"
#include "sonnet/recurrent/unroll.h"
#include "sonnet/testing/expect_close.h"
#include "sonnet/testing/uneven.h"

namespace snt {

// That it gives, from the same seed, the outputs, states, variables and
// gradients that a second core, alike and new as the first one, gives with the
// kernels switched off; `lengths` are for three sequences, or undefined.
template <class C>
void expect_same_at_once(const C& core, const C& same,
                         const at::Tensor& lengths) {
  const at::Tensor x = uneven({5, 3, 4}, at::kFloat).requires_grad_();
  const auto start = tree::map(
      [](const at::Tensor& t) {
        return at::full_like(t, 0.5).requires_grad_();
      },
      core.initial_state(3));
  const auto run = [&](const C& c, bool at_once) {
    kernels::switches().recurrent_sequences = at_once;
    snt::seed(4);
    auto result = dynamic_unroll(c, x, start, lengths);
    kernels::switches().recurrent_sequences = true;
    return result;
  };
  run(core, true);
  run(same, false);
  const auto [y, state] = run(core, true);
  const auto [want, want_state] = run(same, false);
  EXPECT_TRUE(core.unroll_(x, core.initial_state(3), lengths).has_value());
  expect_close(y, want, at::kFloat);
  const std::vector<at::Tensor> last = tree::flatten(state);
  const std::vector<at::Tensor> want_last = tree::flatten(want_state);
  ASSERT_EQ(last.size(), want_last.size());
  for (size_t i = 0; i < last.size(); ++i) expect_close(last[i], want_last[i]);

  std::vector<at::Tensor> values = tree::flatten(start);
  values.push_back(x);
  std::vector<at::Tensor> same_values = values;
  for (const auto& v : trainable_variables(core)) values.push_back(v.value());
  for (const auto& v : trainable_variables(same)) {
    same_values.push_back(v.value());
  }
  ASSERT_EQ(values.size(), same_values.size());
  const at::Tensor weights = uneven(y.sizes(), at::kFloat, 2);
  at::Tensor loss = (y * weights).sum(), want_loss = (want * weights).sum();
  for (size_t i = 0; i < last.size(); ++i) {
    loss = loss + (last[i] * (i + 2.0)).sum();
    want_loss = want_loss + (want_last[i] * (i + 2.0)).sum();
  }
  const auto d = gradients(loss, values);
  const auto want_d = gradients(want_loss, same_values);
  for (size_t i = 0; i < values.size(); ++i) {
    EXPECT_TRUE(at::equal(values[i], same_values[i])) << i;
    expect_close(d[i], want_d[i], at::kFloat, 10);
  }
}

// The same with lengths and without, and that it leaves to the single steps
// what it does not take. `make` makes cores that are alike.
template <class F>
void expect_unrolls_at_once(const F& make) {
  for (const at::Tensor& lengths :
       {at::Tensor(), at::tensor({5, 0, 3}), at::tensor({2, 9, -1}, at::kInt),
        at::tensor({4, 4, 4})}) {
    expect_same_at_once(make(), make(), lengths);
  }
  const auto core = make();
  const at::Tensor x = uneven({5, 3, 4}, at::kFloat);
  dynamic_unroll(core, x, core.initial_state(3));  // Creates the variables.
  EXPECT_TRUE(core.unroll_(x, core.initial_state(3)));

  // What every step reads anew, and what does not fit.
  EXPECT_FALSE(core.unroll_(x.to(at::kDouble), core.initial_state(3)));
  EXPECT_FALSE(core.unroll_(x, core.initial_state(2)));
  EXPECT_FALSE(core.unroll_(x.slice(2, 0, 3), core.initial_state(3)));
  const custom_variable_getter getter(
      [](const at::Tensor& value) { return value * 1; });
  EXPECT_FALSE(core.unroll_(x, core.initial_state(3)));
}

}  // namespace snt
