#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "sonnet/core/activation.h"
#include "sonnet/core/config.h"
#include "sonnet/core/layer.h"
#include "sonnet/core/registry.h"
#include "sonnet/core/variables.h"
#include "sonnet/layers/linear.h"
#include "sonnet/layers/sequential.h"
#include "sonnet/testing/message_of.h"
#include "sonnet/testing/uneven.h"

namespace snt::register_test {
namespace {

// The classes and the options that make one, under the names that a user of
// Sonnet writes after `snt.`.
const std::map<std::string, std::string> kModules = {
    {"BatchApply", R"({"module": "tanh"})"},
    {"Bias", "{}"},
    {"Deferred", R"({"constructor": {"class": "Flatten"}})"},
    {"Dropout", R"({"rate": 0.5})"},
    {"Embed", R"({"vocab_size": 3})"},
    {"ExponentialMovingAverage", R"({"decay": 0.9})"},
    {"Flatten", "{}"},
    {"Linear", R"({"output_size": 3})"},
    {"Mean", "{}"},
    {"ParallelLinears", R"({"output_size": 3})"},
    {"Reshape", R"({"output_shape": [-1]})"},
    {"Sequential", "{}"},
    {"Sum", "{}"},
    {"nets.MLP", R"({"output_sizes": [3]})"}};

std::string unqualified(const std::string& name) {
  return name.substr(name.rfind('.') + 1);
}

TEST(RegisterTest, ModulesAreMadeFromJson) {
  for (const auto& [name, options] : kModules) {
    const Layer module = make_module(name, options);
    EXPECT_EQ(module.class_name(), unqualified(name));
    // What is written is read back, as the same.
    const std::string text = to_json(module.config());
    const Layer read = registry<Layer>().make(parse_json(text), "test");
    EXPECT_EQ(to_json(read.config()), text) << name;
    EXPECT_EQ(parse_json(text).find("class")->get_if<std::string>()[0], name);
  }
}

TEST(RegisterTest, ActivationsAreLayersAndActivations) {
  const at::Tensor x = uneven({2, 3});
  for (const NamedFunction& function : activations::all()) {
    const std::string name(function.name);
    const Config config = parse_json("\"" + name + "\"");
    const at::Tensor want = function(x);
    EXPECT_TRUE(at::equal(registry<Layer>().make(config, "test")(x), want));
    const Activation activation = registry<Activation>().make(config, "test");
    EXPECT_TRUE(at::equal(activation(x), want)) << name;
    EXPECT_EQ(to_json(activation.config()), "\"" + name + "\"");
  }
}

TEST(RegisterTest, FunctionsThatMakeCoresAreLayersToo) {
  for (const char* name : {"deep_rnn_with_skip_connections",
                           "deep_rnn_with_residual_connections"}) {
    const Layer layer = make_module(name, R"({"layers": [
        {"class": "GRU", "config": {"hidden_size": 3}}]})");
    EXPECT_EQ(layer.class_name(), "_LegacyDeepRNN");
    const std::vector<Nest> args = {uneven({2, 3}, at::kFloat),
                                    Nest::List{uneven({2, 3}, at::kFloat)}};
    EXPECT_EQ(layer.call(args).at(0).tensor().sizes(), at::IntArrayRef({2, 3}));
  }
}

TEST(RegisterTest, WholeModels) {
  const Layer net = make_module("Sequential", R"({"layers": [
      {"class": "Linear", "config": {
          "output_size": 4,
          "w_init": {"class": "initializers.Constant",
                     "config": {"value": 0.5}}}},
      "relu",
      {"class": "nets.MLP", "config": {"output_sizes": [5, 2],
                                       "activation": "tanh"}}]})");
  EXPECT_EQ(net(at::ones({3, 6})).sizes(), at::IntArrayRef({3, 2}));
  const auto* sequential = net.get_if<Sequential>();
  ASSERT_NE(sequential, nullptr);
  EXPECT_EQ(variables(*sequential).size(), 6);
  EXPECT_EQ(sequential->layers[0].get_if<Linear>()->output_size, 4);
}

TEST(RegisterTest, IsSafeToCallAgain) {
  const size_t before = registry<Layer>().names().size();
  register_all();
  EXPECT_EQ(registry<Layer>().names().size(), before);
}

TEST(RegisterTest, Errors) {
  const std::string unknown = message_of([] { make_module("Linaer"); });
  EXPECT_EQ(unknown.substr(0, unknown.find(';')),
            "[make_module] unknown class 'Linaer'");
  EXPECT_NE(unknown.find("Linear"), std::string::npos);
  EXPECT_STREQ(message_of([] {
                 make_module("Linear", R"({"output_sizes": 3})");
               }).c_str(),
               "[make_module(Linear)] unknown option 'output_sizes'; known: "
               "output_size, with_bias, w_init, b_init, name");
  EXPECT_STREQ(message_of([] {
                 make_module("Linear", R"({"output_size": "three"})");
               }).c_str(),
               "[make_module(Linear).output_size] must be an integer, got "
               "'three'");
}

}  // namespace
}  // namespace snt::register_test
