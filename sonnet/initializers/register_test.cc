#include "sonnet/initializers/register.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "sonnet/core/config.h"
#include "sonnet/core/errors.h"
#include "sonnet/core/initializer.h"
#include "sonnet/core/random.h"
#include "sonnet/core/registry.h"
#include "sonnet/core/variable.h"
#include "sonnet/initializers/constant.h"
#include "sonnet/initializers/distributions.h"
#include "sonnet/initializers/orthogonal.h"
#include "sonnet/initializers/variance_scaling.h"

namespace snt::initializers::register_test {
namespace {

// Each of them survives the way to JSON and back inside an Initializer.
TEST(RegisterInitializersTest, RoundTrips) {
  for (const Initializer& initializer :
       {Initializer(Zeros{}), Initializer(Ones{}), Initializer(Constant{2}),
        Initializer(RandomUniform{-1, 1, 3}),
        Initializer(RandomNormal{.stddev = 0.5}),
        Initializer(TruncatedNormal{.mean = 1}), Initializer(Identity{2}),
        Initializer(Orthogonal{.seed = 2}),
        Initializer(VarianceScaling{2, "fan_out", "uniform"})}) {
    const std::string text = to_json(initializer.config());
    const Initializer read =
        registry<Initializer>().make(parse_json(text), "w_init");
    EXPECT_EQ(to_json(read.config()), text);
    EXPECT_EQ(to_repr(read.config()), to_repr(initializer.config()));
    seed(1);
    const at::Tensor expected = initializer({3, 2}, at::kFloat);
    seed(1);
    EXPECT_TRUE(at::equal(read({3, 2}, at::kFloat), expected)) << text;
  }
}

TEST(RegisterInitializersTest, Names) {
  EXPECT_EQ(to_json(Initializer(Constant{2}).config()),
            R"({"class":"initializers.Constant","config":{"value":2.0}})");
  EXPECT_THROW(registry<Initializer>().make(
                   parse_json(R"({"class": "initializers.Cauchy"})"), "w_init"),
               ValueError);
}

// The stream of a Variable does not depend on the sizes of those before it.
TEST(RegisterInitializersTest, VariablesHaveStreamsOfTheirOwn) {
  const auto second_variable = [](int64_t size_of_first) {
    seed(4);
    const Variable first;
    const Variable second;
    first.create({size_of_first}, at::kFloat, RandomNormal{});
    second.create({5}, at::kFloat, TruncatedNormal{});
    return second.value().detach();
  };
  EXPECT_TRUE(at::equal(second_variable(3), second_variable(1000)));
}

}  // namespace
}  // namespace snt::initializers::register_test
