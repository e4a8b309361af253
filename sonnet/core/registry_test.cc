#include "sonnet/core/registry.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "sonnet/core/activation.h"
#include "sonnet/core/layer.h"
#include "sonnet/layers/linear.h"
#include "sonnet/nets/mlp.h"
#include "sonnet/testing/message_of.h"

namespace snt::registry_test {
namespace {

struct Scale {
  Required<double> by;
  double offset = 0;
  std::string name = {};

  void check() const {
    snt::check(by != 0, "Scale", "by must not be 0, got ", by.value);
  }
  at::Tensor operator()(const at::Tensor& x) const {
    return x * by.value + offset;
  }
};

// What the registries of this file make.
using Curve = std::function<double(double)>;

struct Square {
  double plus = 0;
  double operator()(double x) const { return x * x + plus; }
};
struct Cube {
  double operator()(double x) const { return x * x * x; }
};

Config config(const char* json) { return parse_json(json); }

TEST(Registry, MakesFromANameOrAClassWithOptions) {
  Registry<Curve> registry;
  registry.add<Square>();
  registry.add<Cube>();
  EXPECT_EQ(registry.make(config(R"("Cube")"), "test")(2), 8.0);
  EXPECT_EQ(registry.make(config(R"({"class": "Square"})"), "test")(3), 9.0);
  EXPECT_EQ(registry.make(config(R"({"class": "Square",
                                     "config": {"plus": 0.5}})"),
                          "test")(3),
            9.5);
  EXPECT_EQ(registry.names(), (std::vector<std::string>{"Cube", "Square"}));
}

TEST(Registry, ANameOfOnesOwnAndTheLastOneWins) {
  Registry<Curve> registry;
  registry.add("double", [](const Config&, const std::string&) {
    return Curve([](double x) { return 2 * x; });
  });
  EXPECT_EQ(registry.make(config(R"("double")"), "test")(3), 6.0);
  registry.add("double", [](const Config&, const std::string& where) {
    EXPECT_EQ(where, "here(double)");
    return Curve([](double x) { return -x; });
  });
  EXPECT_EQ(registry.make(config(R"("double")"), "here")(3), -3.0);
  EXPECT_EQ(registry.names().size(), 1u);
}

TEST(Registry, AnUnknownClassIsAnErrorThatListsTheKnown) {
  Registry<Curve> registry;
  EXPECT_STREQ(
      message_of([&] { registry.make(config(R"("Cube")"), "M.f"); }).c_str(),
      "[M.f] unknown class 'Cube'; known: ");
  registry.add<Square>();
  registry.add<Cube>();
  EXPECT_STREQ(message_of([&] {
                 registry.make(config(R"({"class": "cube"})"), "M.f");
               }).c_str(),
               "[M.f] unknown class 'cube'; known: Cube, Square");
}

TEST(Registry, BadOptionsNameThePlace) {
  Registry<Curve> registry;
  registry.add<Square>();
  const auto error = [&](const char* json) {
    return message_of([&] { registry.make(config(json), "M.f"); });
  };
  EXPECT_EQ(error(R"({"class": "Square", "config": {"minus": 1}})"),
            "[M.f(Square)] unknown option 'minus'; known: plus");
  EXPECT_EQ(error(R"({"class": "Square", "config": 3})"),
            "[M.f(Square)] must be an object with options, got 3");
  EXPECT_EQ(error(R"({"class": "Square", "options": {"plus": 1}})"),
            "[M.f] unknown option 'options'; known: class, config");
  const std::string needed =
      "[M.f] must be a name or {\"class\": ..., \"config\": {...}}, got ";
  EXPECT_EQ(error("3"), needed + "3");
  EXPECT_EQ(error("null"), needed + "None");
  EXPECT_EQ(error(R"({"plus": 1})"), needed + "{'plus': 1}");
  EXPECT_EQ(error(R"({"class": 3})"), needed + "{'class': 3}");
}

TEST(Registry, HoldsTheLibrarysOwnClasses) {
  const std::vector<std::string> names = registry<Layer>().names();
  for (const char* name : {"Linear", "Sequential", "nets.MLP", "relu"}) {
    EXPECT_TRUE(std::binary_search(names.begin(), names.end(), name)) << name;
  }
  const auto activations = registry<Activation>().names();
  EXPECT_EQ(activations.size(), activations::all().size());
}

TEST(MakeModule, MakesAClassFromJson) {
  const Layer layer =
      make_module("Linear", R"({"output_size": 3, "with_bias": false})");
  const Linear* linear = layer.get_if<Linear>();
  ASSERT_NE(linear, nullptr);
  EXPECT_EQ(linear->output_size, 3);
  EXPECT_FALSE(linear->with_bias);
  EXPECT_EQ(layer(at::ones({2, 5})).sizes(), (at::IntArrayRef{2, 3}));
  const Layer mlp = make_module("nets.MLP", R"({"output_sizes": [4, 2]})");
  ASSERT_NE(mlp.get_if<nets::MLP>(), nullptr);
  EXPECT_EQ(mlp.get_if<nets::MLP>()->layers.size(), 2u);
}

TEST(MakeModule, MakesWhatIsNestedInOptions) {
  const Layer net = make_module("Sequential", R"({"layers": [
      {"class": "Linear", "config": {"output_size": 3}}, "tanh",
      {"class": "Flatten"}]})");
  EXPECT_EQ(to_repr(net.config()),
            "Sequential(layers=[Linear(output_size=3), tanh, Flatten()])");
}

TEST(MakeModule, SaysWhatIsWrong) {
  const auto error = [](const char* name, const char* json) {
    return message_of([&] { make_module(name, json); });
  };
  EXPECT_TRUE(
      error("Linearr", "{}")
          .starts_with("[make_module] unknown class 'Linearr'; known: "));
  EXPECT_EQ(error("Linear", "{}"),
            "[make_module(Linear)] option 'output_size' is required");
  EXPECT_EQ(error("Linear", R"({"output_size": 3, "bias": true})"),
            "[make_module(Linear)] unknown option 'bias'; known: output_size, "
            "with_bias, w_init, b_init, name");
  EXPECT_EQ(error("Linear", R"({"output_size": -1})"),
            "[Linear] output_size must be >= 0, got -1");
  EXPECT_EQ(error("Sequential", R"({"layers": ["relu", "lu"]})").substr(0, 71),
            "[make_module(Sequential).layers[1]] unknown class 'lu'; known: "
            "BaseBatc");
}

TEST(MakeModule, KnowsAUsersClass) {
  registry<Layer>().add<Scale>();
  const Layer layer = make_module("Scale", R"({"by": 2, "offset": 1})");
  EXPECT_TRUE(at::equal(layer(at::ones({2})), at::full({2}, 3.0f)));
  EXPECT_EQ(to_json(layer.config()),
            R"({"class":"Scale","config":{"by":2.0,"offset":1.0}})");
  EXPECT_STREQ(message_of([] { make_module("Scale", R"({"by": 0})"); }).c_str(),
               "[Scale] by must not be 0, got 0.0");
}

TEST(RegistryThreads, AddAndMakeAtOnce) {
  Registry<Curve> registry;
  registry.add<Square>();
  std::vector<std::thread> threads;
  std::vector<double> results(8);
  for (size_t i = 0; i < results.size(); ++i) {
    threads.emplace_back([&, i] {
      registry.add("f" + std::to_string(i), [i](const Config&, const auto&) {
        return Curve([i](double x) { return x + static_cast<double>(i); });
      });
      results[i] = registry.make(Config{"f" + std::to_string(i)}, "test")(0.5) +
                   registry.make(Config{std::string("Square")}, "test")(2);
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (size_t i = 0; i < results.size(); ++i) {
    EXPECT_EQ(results[i], 4.5 + static_cast<double>(i));
  }
  EXPECT_EQ(registry.names().size(), 9u);
}

}  // namespace
}  // namespace snt::registry_test
