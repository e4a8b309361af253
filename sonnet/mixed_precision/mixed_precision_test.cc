#include "sonnet/mixed_precision/mixed_precision.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <map>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include "sonnet/core/clone.h"
#include "sonnet/core/gradients.h"
#include "sonnet/core/random.h"
#include "sonnet/core/variables.h"
#include "sonnet/functional/transform.h"
#include "sonnet/initializers/constant.h"
#include "sonnet/layers/linear.h"
#include "sonnet/layers/sequential.h"
#include "sonnet/metrics/exponential_moving_average.h"
#include "sonnet/nets/mlp.h"
#include "sonnet/optimizers/sgd.h"
#include "sonnet/testing/expect_close.h"
#include "sonnet/testing/uneven.h"

namespace snt::mixed_precision::mixed_precision_test {
namespace {

using at::Tensor;

// Gives the dtypes in which it runs: of the input, and of its variable.
struct Dtypes {
  std::string name = {};
  Variable v = {};

  std::pair<at::ScalarType, at::ScalarType> operator()(const Tensor& x) const {
    const Tensor& value = v.create({2}, at::kFloat, initializers::Ones());
    return {x.scalar_type(), value.scalar_type()};
  }
};

constexpr auto kFull = std::make_pair(at::kFloat, at::kFloat);
constexpr auto kHalves = std::make_pair(at::kHalf, at::kHalf);
const Tensor x = uneven({3, 4}, at::kFloat);

Tensor same(const Tensor& value) { return value; }
at::ScalarType dtype(const Tensor& value) { return value.scalar_type(); }

TEST(Mode, IsSetByEnableAndScopes) {
  EXPECT_EQ(mode(), std::nullopt);
  enable(at::kFloat);
  {
    const scope half(at::kHalf);
    EXPECT_EQ(mode(), at::kHalf);
    {
      const scope inner(std::nullopt);
      EXPECT_EQ(mode(), std::nullopt);
    }
    disable();
    EXPECT_EQ(mode(), std::nullopt);
  }
  EXPECT_EQ(mode(), at::kFloat);
  disable();
  try {
    const scope half(at::kHalf);
    throw std::runtime_error("fails");
  } catch (const std::runtime_error&) {
  }
  EXPECT_EQ(mode(), std::nullopt);
}

TEST(Mode, IsThatOfTheThreadAndCanBeCarriedOver) {
  const scope half(at::kHalf);
  std::optional<at::ScalarType> before = at::kInt, inside;
  std::thread other([&before, &inside, carried = mode()] {
    before = mode();
    const scope same_mode(carried);
    inside = mode();
  });
  other.join();
  EXPECT_EQ(before, std::nullopt);
  EXPECT_EQ(inside, at::kHalf);
}

// Sonnet's MixedPrecisionClassTest, for variables and inputs at once.
TEST(Modes, TheFirstCallIsInFullPrecision) {
  const auto f = modes({at::kFloat, at::kHalf}, Dtypes());
  EXPECT_EQ(f(x), kFull);  // Without a mode: does not count.
  const scope half(at::kHalf);
  EXPECT_EQ(f(x), kFull);
  EXPECT_EQ(f(x), kHalves);
  const auto copy = f;
  EXPECT_EQ(copy(x), kHalves);
  EXPECT_EQ(modes({at::kHalf}, f.wrapped())(x), kFull);
  disable();
  EXPECT_EQ(f(x), kFull);
  enable(at::kBFloat16);  // Not among those allowed.
  EXPECT_EQ(f(x), kFull);
  EXPECT_EQ(f.wrapped().v.dtype(), at::kFloat);
}

TEST(Modes, ACallThatThrowsIsNotTheFirst) {
  bool fails = true;
  const auto f = modes({at::kHalf}, [&](const Tensor& value) {
    if (fails) throw std::runtime_error("fails");
    return static_cast<int>(value.scalar_type());
  });
  const scope half(at::kHalf);
  EXPECT_THROW(f(x), std::runtime_error);
  fails = false;
  EXPECT_EQ(f(x), static_cast<int>(at::kFloat));
  EXPECT_EQ(f(x), static_cast<int>(at::kHalf));
  fails = true;
  EXPECT_THROW(f(x), std::runtime_error);
  EXPECT_EQ(snt::detail::read_hook, nullptr);
}

TEST(Modes, NestsAreCastAndOtherThingsAreNot) {
  using Nested = std::map<std::string, std::vector<Tensor>>;
  const auto f = modes({at::kHalf},
                       [](const Nested& nest, bool flag, const std::string& s) {
                         EXPECT_TRUE(flag);
                         EXPECT_EQ(s, "text");
                         EXPECT_EQ(nest.at("a")[1].scalar_type(), at::kLong);
                         return std::make_pair(nest, dtype(nest.at("a")[0]));
                       });
  const Nested nest = {{"a", {x.to(at::kDouble), at::ones({1}, at::kLong)}}};
  const scope half(at::kHalf);
  const auto first = f(nest, true, "text");
  EXPECT_EQ(first.second, at::kDouble);
  EXPECT_EQ(dtype(first.first.at("a")[0]), at::kDouble);
  const auto second = f(nest, true, "text");
  EXPECT_EQ(second.second, at::kHalf);
  EXPECT_EQ(dtype(second.first.at("a")[0]), at::kFloat);
  EXPECT_EQ(dtype(second.first.at("a")[1]), at::kLong);
}

TEST(Modes, OutputsAreFloat32) {
  const auto f = modes({at::kHalf, at::kFloat}, same);
  const Tensor b = x.to(at::kBFloat16);
  const scope half(at::kHalf);
  EXPECT_EQ(dtype(f(b)), at::kBFloat16);
  EXPECT_EQ(dtype(f(b)), at::kFloat);
  int calls = 0;
  const auto nothing = modes({at::kHalf}, [&](const Tensor&) { ++calls; });
  nothing(x), nothing(x);
  EXPECT_EQ(calls, 2);
}

TEST(Modes, AMemberFunctionHasAFirstCallForEachModule) {
  const auto call = modes({at::kHalf}, &Dtypes::operator());
  const scope half(at::kHalf);
  const Dtypes a, b;
  EXPECT_EQ(call(a, x), kFull);
  EXPECT_EQ(call(a, x), kHalves);
  EXPECT_EQ(call(b, x), kFull);
  const Dtypes copy = a;
  EXPECT_EQ(call(copy, x), kHalves);
  for (int i = 0; i < 3; ++i) {  // New objects in the same place.
    const Dtypes other;
    EXPECT_EQ(call(other, x), kFull);
  }
  struct Plain {
    at::ScalarType encode(const Tensor& value) const { return dtype(value); }
  };
  const auto encode = modes({at::kHalf}, &Plain::encode);
  const Plain plain;
  EXPECT_EQ(encode(plain, x), at::kFloat);
  EXPECT_EQ(encode(plain, x), at::kHalf);
}

TEST(Modes, Nest) {
  const Linear inner{2};
  const auto f = modes({at::kBFloat16}, inner);
  const auto g = modes({at::kHalf}, [&](const Tensor& value) {
    const Tensor y = f(value);
    return std::make_pair(dtype(value), dtype(y));
  });
  const scope half(at::kHalf);
  g(x);
  EXPECT_EQ(g(x), std::make_pair(at::kHalf, at::kHalf));
  // The inner mode casts what the outer one gave.
  const Dtypes module;
  const auto deep = modes({at::kBFloat16}, module);
  const auto h = modes({at::kHalf}, [&](const Tensor& value) {
    const scope bfloat16(at::kBFloat16);
    return deep(value);
  });
  EXPECT_EQ(h(x), kFull);  // The first call of both.
  EXPECT_EQ(h(x), std::make_pair(at::kBFloat16, at::kBFloat16));
}

TEST(Modes, IsAModule) {
  const auto f = modes({at::kBFloat16}, Linear{3});
  EXPECT_EQ(f.wrapped().w.path(), "");
  const Sequential net{{f, modes({at::kBFloat16}, Linear{2})}};
  const scope bfloat16(at::kBFloat16);
  net(x);
  const auto named = named_variables(net);
  ASSERT_EQ(named.size(), 4);
  EXPECT_EQ(named[0].path, "layers/0/w");
  EXPECT_EQ(named[0].variable, f.wrapped().w);
  EXPECT_EQ(dtype(net(x)), at::kFloat);
  const auto other = clone(f);
  EXPECT_FALSE(other.wrapped().w == f.wrapped().w);
  EXPECT_TRUE(at::equal(other(x), f(x)));
}

// Against the same casts written by hand.
TEST(Modes, GradientsReachTheStoredVariables) {
  for (const at::ScalarType type : {at::kHalf, at::kBFloat16}) {
    const Linear linear{2};
    const auto f = modes({type}, linear);
    const scope in_type(type);
    const Tensor input = x.clone().requires_grad_();
    f(input);
    const std::vector<Variable> parameters = {linear.w, linear.b};
    const Tensor y = f(input);
    const auto got =
        snt::gradients(y.square().sum(), parameters, {.retain_graph = true});
    const Tensor gx = snt::gradients(y.square().sum(), input);

    const Tensor w = linear.w.value().detach().clone().requires_grad_();
    const Tensor b = linear.b.value().detach().clone().requires_grad_();
    const Tensor exact = at::mm(input, w) + b;
    const auto want =
        snt::gradients(exact.square().sum(), std::vector<Tensor>{w, b, input});
    const double tol = type == at::kHalf ? 5e-3 : 4e-2;
    EXPECT_FALSE(at::equal(y, exact));
    EXPECT_TRUE(at::allclose(y, exact, tol, tol));
    EXPECT_EQ(dtype(got[0]), at::kFloat);
    EXPECT_TRUE(at::allclose(got[0], want[0], tol, tol));
    EXPECT_TRUE(at::allclose(got[1], want[1], tol, tol));
    EXPECT_TRUE(at::allclose(gx, want[2], tol, tol));
    // Inside, too.
    const auto inside = modes({type}, [&](const Tensor& in) {
      return snt::gradients(linear(in).sum(), parameters)[1];
    });
    inside(x);
    EXPECT_TRUE(at::equal(inside(x), at::full({2}, 3.0)));
  }
}

TEST(Modes, TrainingInBFloat16LowersTheLoss) {
  seed(3);
  const nets::MLP mlp{.output_sizes = {16, 1}};
  const auto f = modes({at::kBFloat16}, mlp);
  const scope bfloat16(at::kBFloat16);
  const Tensor in = uneven({32, 3}, at::kFloat);
  const Tensor want = (in.select(1, 0) * in.select(1, 1)).unsqueeze(1);
  const auto loss = [&] { return (f(in) - want).square().mean(); };
  const double before = loss().item<double>();
  const auto parameters = trainable_variables(mlp);
  const optimizers::SGD sgd{.learning_rate = 0.1};
  for (int step = 0; step < 100; ++step) {
    sgd.apply(snt::gradients(loss(), parameters), parameters);
  }
  EXPECT_LT(loss().item<double>(), before / 4);
  EXPECT_EQ(mlp.layers[0].w.dtype(), at::kFloat);
}

TEST(Modes, MovingAveragesKeepTheirPrecision) {
  const ExponentialMovingAverage average{0.999};
  const auto f = modes({at::kBFloat16}, average);
  const scope bfloat16(at::kBFloat16);
  for (int i = 0; i < 50; ++i) f(at::full({}, 3.0));
  EXPECT_EQ(average.hidden.dtype(), at::kFloat);
  EXPECT_NEAR(average.value().item<double>(), 3, 1e-4);
  // What was computed from cast values is cast back.
  const Variable v(at::ones({2}));
  const auto doubles = modes({at::kHalf}, [=] { v.assign(2 * v.value()); });
  const scope half(at::kHalf);
  doubles(), doubles();
  EXPECT_TRUE(at::equal(v.value(), at::full({2}, 4.0)));
}

TEST(Modes, CastTheParametersOfATransform) {
  const Linear linear{2};
  const auto f = functional::transform(linear);
  const functional::Params params = f.init(x);
  const auto g = modes({at::kHalf}, f.apply);
  const scope half(at::kHalf);
  const Tensor y = g(params, x);
  EXPECT_TRUE(at::equal(y, f.apply(params, x)));
  const Tensor z = g(params, x);
  EXPECT_FALSE(at::equal(z, y));
  EXPECT_TRUE(at::allclose(z, y, 5e-3, 5e-3));
}

}  // namespace
}  // namespace snt::mixed_precision::mixed_precision_test
