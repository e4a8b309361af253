#include "sonnet/regularizers/register.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <vector>

#include "sonnet/core/config.h"
#include "sonnet/core/registry.h"
#include "sonnet/regularizers/l1_l2.h"
#include "sonnet/regularizers/off_diagonal_orthogonal.h"
#include "sonnet/regularizers/regularizer.h"

namespace snt::regularizers::register_test {
namespace {

TEST(RegisterRegularizersTest, RoundTrips) {
  const std::vector<at::Tensor> tensors = {
      at::tensor({1.f, 2.f, -3.f, 4.f}).view({2, 2})};
  for (const Regularizer& regularizer :
       {Regularizer(L1{0.1}), Regularizer(L2{0.1}),
        Regularizer(OffDiagonalOrthogonal{0.1})}) {
    const std::string text = to_json(regularizer.config());
    const Regularizer read =
        registry<Regularizer>().make(parse_json(text), "w_regularizer");
    EXPECT_EQ(to_json(read.config()), text);
    EXPECT_TRUE(at::equal(read(tensors), regularizer(tensors)));
  }
}

TEST(RegisterRegularizersTest, NamesInJsonAndInPrint) {
  const Config config = Regularizer(OffDiagonalOrthogonal{0.5}).config();
  EXPECT_EQ(to_json(config), R"({"class":"regularizers.OffDiagonalOrthogonal",)"
                             R"("config":{"scale":0.5}})");
  EXPECT_EQ(to_repr(config), "Orthogonal(scale=0.5)");
}

// A function of one's own is a Regularizer too.
TEST(RegisterRegularizersTest, AnyCallable) {
  const Regularizer largest = [](const std::vector<at::Tensor>& tensors) {
    return tensors.at(0).abs().max();
  };
  EXPECT_EQ(largest({at::tensor({1.f, -3.f})}).item<float>(), 3);
}

}  // namespace
}  // namespace snt::regularizers::register_test
