#include "sonnet/kernels/plain.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

namespace snt::kernels::plain_test {
namespace {

TEST(IsFloats, RefusesWhatIsNoArrayOfFloats) {
  const at::Tensor x = at::ones({2, 3});
  EXPECT_TRUE(is_floats(x));
  EXPECT_TRUE(is_floats(x.t()));
  EXPECT_TRUE(is_floats(at::ones({}).requires_grad_()));
  EXPECT_TRUE(is_floats(at::ones({0, 2})));
  EXPECT_FALSE(is_floats(at::Tensor()));
  EXPECT_FALSE(is_floats(x.to(at::kDouble)));
  EXPECT_FALSE(is_floats(x.to(at::kBFloat16)));
  EXPECT_FALSE(is_floats(x.to_sparse()));
  EXPECT_FALSE(is_floats(at::_neg_view(x)));
  EXPECT_FALSE(is_floats(at::_efficientzerotensor({2})));
  EXPECT_FALSE(is_floats(at::ones({2}, at::device(at::kMeta))));
}

TEST(IsPlain, NeedsElements) {
  EXPECT_TRUE(is_plain(at::ones({2, 3}).t()));
  EXPECT_FALSE(is_plain(at::ones({0, 2})));
  EXPECT_FALSE(is_plain(at::ones({2}, at::kDouble)));
  EXPECT_FALSE(is_plain(at::Tensor()));
}

TEST(WantsGradient, OfSomeThatAreDefined) {
  const at::Tensor x = at::ones({2}), w = at::ones({2}).requires_grad_();
  const at::Tensor none;
  EXPECT_FALSE(wants_gradient({&x, &none}));
  EXPECT_TRUE(wants_gradient({&x, &none, &w}));
  const at::NoGradGuard no_grad;
  EXPECT_FALSE(wants_gradient({&w}));
}

}  // namespace
}  // namespace snt::kernels::plain_test
