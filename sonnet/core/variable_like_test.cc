#include "sonnet/core/variable_like.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "sonnet/core/errors.h"

namespace snt::utils::variable_like_test {
namespace {

TEST(VariableLike, TakesWhatIsNotGivenFromTheVariable) {
  Variable w(at::ones({2, 3}, at::kDouble), /*trainable=*/false);
  w.set_path("body/w", "net/w");
  const Variable zeros = variable_like(w);
  EXPECT_TRUE(at::equal(zeros.value(), at::zeros({2, 3}, at::kDouble)));
  EXPECT_FALSE(zeros.trainable());
  EXPECT_EQ(zeros.name(), "net/w");
  EXPECT_FALSE(zeros == w);

  const Variable fives = variable_like(
      w,
      [](at::IntArrayRef shape, at::ScalarType dtype) {
        return at::full(shape, 5, dtype);
      },
      /*trainable=*/true, "fives");
  EXPECT_TRUE(at::equal(fives.value(), at::full({2, 3}, 5, at::kDouble)));
  EXPECT_TRUE(fives.trainable());
  EXPECT_TRUE(fives.value().requires_grad());
  EXPECT_EQ(fives.name(), "fives");
  EXPECT_THROW(variable_like(Variable()), NotBuiltError);
}

TEST(VariableLike, LikeATensorItIsTrained) {
  const Variable v = variable_like(at::ones({2}, at::kHalf));
  EXPECT_EQ(v.dtype(), at::kHalf);
  EXPECT_EQ(v.shape(), (at::IntArrayRef{2}));
  EXPECT_TRUE(v.trainable());
  EXPECT_EQ(v.name(), "Variable");
  EXPECT_FALSE(variable_like(at::ones({2}), {}, false).trainable());
}

}  // namespace
}  // namespace snt::utils::variable_like_test
