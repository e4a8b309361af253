#include "sonnet/core/activation.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "sonnet/core/gradients.h"
#include "sonnet/core/layer.h"
#include "sonnet/testing/message_of.h"

namespace snt::activation_test {
namespace {

using at::Tensor;
using Row = std::vector<double>;

// The definitions, one number after the other; the softmaxes see a whole row.
const std::map<std::string, std::function<double(double, const Row&)>>&
definitions() {
  const auto softmax = [](double x, const Row& row) {
    double sum = 0;
    for (const double other : row) sum += std::exp(other);
    return std::exp(x) / sum;
  };
  // Klambauer et al. 2017, "Self-normalizing neural networks", section 2.
  constexpr double kAlpha = 1.6732632423543772, kLambda = 1.0507009873554805;
  static const auto* result = new std::map<
      std::string, std::function<double(double, const Row&)>>{
      {"relu", [](double x, const Row&) { return x > 0 ? x : 0; }},
      {"relu6", [](double x, const Row&) { return x < 0   ? 0
                                                  : x > 6 ? 6
                                                          : x; }},
      {"leaky_relu", [](double x, const Row&) { return x > 0 ? x : 0.2 * x; }},
      {"elu", [](double x, const Row&) { return x > 0 ? x : std::exp(x) - 1; }},
      {"selu",
       [=](double x, const Row&) {
         return kLambda * (x > 0 ? x : kAlpha * (std::exp(x) - 1));
       }},
      {"gelu",
       [](double x,
          const Row&) { return x * 0.5 * (1 + std::erf(x / std::sqrt(2.0))); }},
      {"silu", [](double x, const Row&) { return x / (1 + std::exp(-x)); }},
      {"tanh", [](double x, const Row&) { return std::tanh(x); }},
      {"sigmoid", [](double x, const Row&) { return 1 / (1 + std::exp(-x)); }},
      {"softplus",
       [](double x, const Row&) { return std::log(1 + std::exp(x)); }},
      {"softsign", [](double x, const Row&) { return x / (1 + std::abs(x)); }},
      {"softmax", softmax},
      {"log_softmax",
       [softmax](double x,
                 const Row& row) { return std::log(softmax(x, row)); }},
      {"exp", [](double x, const Row&) { return std::exp(x); }},
      {"abs", [](double x, const Row&) { return std::abs(x); }},
      {"square", [](double x, const Row&) { return x * x; }},
      {"identity", [](double x, const Row&) { return x; }}};
  return *result;
}

// Both signs, both sides of 6, no kink.
Tensor inputs() {
  return at::tensor({-4.0, -1.5, -0.3, 0.2, 0.9, 2.5, 5.5, 7.0}, at::kDouble)
      .reshape({2, 4});
}

Tensor expected(const std::string& name, const Tensor& x) {
  const Tensor rows = x.to(at::kDouble);
  Tensor result = at::empty_like(rows);
  for (int64_t i = 0; i < x.size(0); ++i) {
    Row row;
    for (int64_t j = 0; j < x.size(1); ++j) {
      row.push_back(rows[i][j].item<double>());
    }
    for (int64_t j = 0; j < x.size(1); ++j) {
      result[i][j] = definitions().at(name)(row[static_cast<size_t>(j)], row);
    }
  }
  return result;
}

class Activations : public testing::TestWithParam<NamedFunction> {};

TEST_P(Activations, KeepEmptyBatches) {
  const Tensor y = GetParam()(at::empty({0, 4}));
  EXPECT_EQ(y.sizes(), (std::vector<int64_t>{0, 4}));
}

TEST_P(Activations, AreTheirDefinitions) {
  const std::string name(GetParam().name);
  const Tensor x = inputs();
  EXPECT_TRUE(at::allclose(GetParam()(x), expected(name, x), 1e-12, 1e-12));
  const Tensor y = GetParam()(x.to(at::kFloat));
  EXPECT_EQ(y.scalar_type(), at::kFloat);
  EXPECT_TRUE(at::allclose(y.to(at::kDouble), expected(name, x), 1e-5, 1e-6));
  EXPECT_TRUE(at::equal(x, inputs()));  // Nothing happens in place.
}

TEST_P(Activations, OfHalfTypesAreRounded) {
  const std::string name(GetParam().name);
  for (const at::ScalarType dtype : {at::kHalf, at::kBFloat16}) {
    const Tensor x = inputs().to(dtype);
    const Tensor y = GetParam()(x);
    EXPECT_EQ(y.scalar_type(), dtype);
    const double step =
        dtype == at::kHalf ? std::ldexp(1, -10) : std::ldexp(1, -7);
    EXPECT_TRUE(at::allclose(y.to(at::kDouble), expected(name, x), step, 1e-6))
        << dtype;
  }
}

TEST_P(Activations, HaveTheGradientsOfFiniteDifferences) {
  const Tensor x = inputs().set_requires_grad(true);
  const Tensor weights = at::arange(1.0, 9.0, at::kDouble).reshape({2, 4});
  const auto loss = [&](const Tensor& at) {
    return (GetParam()(at) * weights).sum();
  };
  const Tensor gradient = gradients(loss(x), x);
  ASSERT_TRUE(gradient.defined());
  const double h = 1e-6;
  for (int64_t i = 0; i < 8; ++i) {
    const auto shifted = [&](double step) {
      const Tensor other = inputs();
      other.view(-1)[i] += step;
      return loss(other).item<double>();
    };
    const double slope = (shifted(h) - shifted(-h)) / (2 * h);
    EXPECT_NEAR(gradient.view(-1)[i].item<double>(), slope,
                1e-6 * std::max(1.0, std::abs(slope)))
        << "at " << inputs().view(-1)[i].item<double>();
  }
}

TEST_P(Activations, PrintAndStoreByName) {
  const std::string name(GetParam().name);
  const Activation activation = GetParam();
  const Config config = to_config(activation);
  EXPECT_EQ(to_repr(config), name);
  EXPECT_EQ(to_json(config), '"' + name + '"');
  const auto read = from_config<Activation>(parse_json('"' + name + '"'), "it");
  EXPECT_TRUE(at::equal(read(inputs()), GetParam()(inputs())));
  const Layer layer = GetParam();
  EXPECT_TRUE(at::equal(layer(inputs()), GetParam()(inputs())));
}

INSTANTIATE_TEST_SUITE_P(All, Activations,
                         testing::ValuesIn(activations::all()),
                         [](const auto& info) {
                           return std::string(info.param.name);
                         });

TEST(Activation, AllAreTested) {
  std::set<std::string> names, defined;
  for (const NamedFunction& function : activations::all()) {
    names.emplace(function.name);
  }
  for (const auto& [name, function] : definitions()) defined.insert(name);
  EXPECT_EQ(names, defined);
  EXPECT_EQ(names.size(), activations::all().size());
}

TEST(Activation, StaysFiniteFarOut) {
  const Tensor x = at::tensor({-1e4, 1e4}, at::kFloat).reshape({1, 2});
  for (const NamedFunction& function : activations::all()) {
    if (function.name == "exp") continue;
    EXPECT_TRUE(function(x).isfinite().all().item<bool>()) << function.name;
  }
}

TEST(Activation, MayBeAnyFunction) {
  const Activation twice = [](const Tensor& x) { return 2 * x; };
  EXPECT_TRUE(at::equal(twice(inputs()), 2 * inputs()));
  EXPECT_EQ(to_repr(to_config(twice)), "<lambda>");
  EXPECT_FALSE(static_cast<bool>(Activation()));
  EXPECT_THROW(Activation()(inputs()), std::bad_function_call);
  const std::string message = message_of([] {
    from_config<Activation>(parse_json(R"("rel")"), "MLP.activation");
  });
  EXPECT_TRUE(message.starts_with(
      "[MLP.activation] unknown class 'rel'; known: abs, elu, exp, "))
      << message;
}

}  // namespace
}  // namespace snt::activation_test
