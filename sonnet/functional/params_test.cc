#include "sonnet/functional/params.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "sonnet/core/gradients.h"
#include "sonnet/core/is_tree.h"
#include "sonnet/core/tree.h"
#include "sonnet/testing/message_of.h"

namespace snt::functional::params_test {
namespace {

using at::Tensor;

TEST(Params, KeepsTheOrderInWhichItWasFilled) {
  const Variable a, b, c;
  Params params{{b, at::ones({2})}, {a, at::zeros({3})}};
  params.set(b, at::full({2}, 2.0));
  EXPECT_EQ(params.size(), 2);
  EXPECT_EQ(params.variables(), (std::vector<Variable>{b, a}));
  EXPECT_EQ(params.at(b)[0].item<float>(), 2);
  params.at(a) = at::ones({1});
  EXPECT_EQ(params.at(a).numel(), 1);
  EXPECT_FALSE(params.contains(c));
  c.set_path("body/w", "body/w");
  EXPECT_EQ(message_of([&] { params.at(c); }),
            "[Params] there is no value for variable 'body/w' among 2");
}

TEST(Params, IsATree) {
  static_assert(tree::is_tree<Params>);
  const Variable a, b;
  a.set_path("a", "a");
  const Params params{{a, at::full({2}, 3.0)}, {b, at::full({1}, 5.0)}};
  const Params twice = tree::map(
      [](const Tensor& x, const Tensor& y) { return x + y; }, params, params);
  EXPECT_EQ(twice.at(a)[1].item<float>(), 6);
  EXPECT_EQ(tree::flatten(params).size(), 2);
  EXPECT_EQ(params.at(a)[1].item<float>(), 3);
  const Params other{{a, at::ones({2})}};
  EXPECT_THROW(tree::assert_same_structure(params, other), ValueError);
  EXPECT_EQ(message_of([&] {
              tree::assert_same_structure(other, Params{{b, at::ones({2})}});
            }),
            "[tree] the trees differ at 'a': an entry and none");
}

TEST(Params, TakesGradients) {
  const Variable a, b;
  Params params{{a, at::full({2}, 3.0).requires_grad_()},
                {b, at::full({1}, 5.0).requires_grad_()}};
  const Params g = snt::gradients((params.at(a) * params.at(a)).sum(), params);
  EXPECT_EQ(g.at(a)[0].item<float>(), 6);
  EXPECT_FALSE(g.at(b).defined());
}

TEST(Params, StoresItsTensorsInTheVariables) {
  const Variable a(at::zeros({2}));
  Params{{a, at::ones({2})}}.store();
  EXPECT_EQ(a.value()[1].item<float>(), 1);
  EXPECT_THROW((Params{{a, at::ones({3})}}.store()), ValueError);
}

}  // namespace
}  // namespace snt::functional::params_test
