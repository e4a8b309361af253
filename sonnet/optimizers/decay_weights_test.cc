#include "sonnet/optimizers/decay_weights.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sonnet/core/errors.h"

namespace snt::optimizers::decay_weights_test {
namespace {

using testing::ThrowsMessage;

TEST(DecayWeights, ShrinksInPlaceWithoutGradients) {
  for (const auto dtype : {at::kDouble, at::kFloat, at::kHalf, at::kBFloat16}) {
    const Variable w(at::tensor({1.0, -2.0, 0.0}).to(dtype));
    const void* storage = w.value().data_ptr();
    decay_weights({w}, 0.25);
    decay_weights({w}, 0.5);
    EXPECT_TRUE(
        at::equal(w.value(), at::tensor({0.375, -0.75, 0.0}).to(dtype)));
    EXPECT_EQ(w.value().data_ptr(), storage);
    EXPECT_TRUE(w.value().is_leaf());
    EXPECT_TRUE(w.value().requires_grad());
  }
}

TEST(DecayWeights, TakesNoneAll) {
  const Variable w(at::tensor({3.0, 4.0}));
  decay_weights({}, 0.5);
  decay_weights({w}, 0);
  EXPECT_TRUE(at::equal(w.value(), at::tensor({3.0, 4.0})));
  decay_weights({w}, 1);
  EXPECT_TRUE(at::equal(w.value(), at::tensor({0.0, 0.0})));
}

TEST(DecayWeights, RefusesBeforeAnythingHasChanged) {
  const Variable w(at::ones({2}));
  EXPECT_THAT([&] { decay_weights({w}, 1.5); },
              ThrowsMessage<ValueError>(
                  "[decay_weights] amount must be in [0, 1], got 1.5"));
  EXPECT_THAT([&] { decay_weights({w}, -0.5); },
              ThrowsMessage<ValueError>(
                  "[decay_weights] amount must be in [0, 1], got -0.5"));
  EXPECT_THROW(decay_weights({w, Variable()}, 0.5), NotBuiltError);
  EXPECT_TRUE(at::equal(w.value(), at::ones({2})));
}

}  // namespace
}  // namespace snt::optimizers::decay_weights_test
