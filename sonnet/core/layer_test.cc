#include "sonnet/core/layer.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "sonnet/core/activation.h"
#include "sonnet/core/clone.h"
#include "sonnet/core/deferred.h"
#include "sonnet/core/once.h"
#include "sonnet/core/remembered.h"
#include "sonnet/core/variables.h"
#include "sonnet/layers/linear.h"
#include "sonnet/layers/sequential.h"
#include "sonnet/testing/message_of.h"

namespace snt::layer_test {
namespace {

using at::Tensor;

struct Scale {
  double factor = 2.0;
  std::string name = {};

  Variable s = {};

  void check() const {
    snt::check(factor != 0, "Scale", "factor must not be 0, got ", factor);
  }
  Tensor operator()(const Tensor& x, double more = 1.0) const {
    const Tensor& value =
        s.create({}, x, [this](at::IntArrayRef shape, at::ScalarType dtype) {
          return at::full(shape, factor, dtype);
        });
    return x * value * more;
  }
};

struct Parts {
  Tensor head = {};
  Tensor tail = {};
};

Tensor add_one(const Tensor& x) { return x + 1; }

const Tensor x = at::arange(3.0);

TEST(Layer, HoldsModulesFunctionsAndLambdas) {
  const std::vector<Layer> layers = {Scale{3.0}, activations::square, add_one,
                                     [](const Tensor& y) { return -y; }};
  Tensor y = x;
  for (const Layer& layer : layers) {
    EXPECT_TRUE(layer.maps_tensor());
    y = layer(y);
  }
  EXPECT_TRUE(at::equal(y, -((3 * x) * (3 * x) + 1)));
  EXPECT_EQ(layers[0].class_name(), "Scale");
  EXPECT_EQ(layers[1].class_name(), "NamedFunction");
  static_assert(!std::is_constructible_v<Layer, int>);
  static_assert(!std::is_constructible_v<Layer, Parts>);
}

TEST(Layer, KnowsWhatItHolds) {
  const Layer layer = Scale{3.0};
  ASSERT_NE(layer.get_if<Scale>(), nullptr);
  EXPECT_EQ(layer.get_if<Scale>()->factor, 3.0);
  EXPECT_EQ(layer.get_if<Linear>(), nullptr);
  layer.get_if<Scale>()->factor = 5.0;
  EXPECT_TRUE(at::equal(layer(x), 5 * x));
}

TEST(Layer, CopiesShareWhatTheyHold) {
  const Scale scale{3.0};
  const Layer layer = scale;
  const Layer copy = layer;
  layer(x);
  EXPECT_EQ(layer.get_if<Scale>(), copy.get_if<Scale>());
  EXPECT_TRUE(scale.s.is_built());  // A copy of a module shares variables.
  EXPECT_EQ(scale.s, copy.get_if<Scale>()->s);
  Layer assigned = add_one;
  assigned = layer;
  EXPECT_EQ(assigned.get_if<Scale>(), layer.get_if<Scale>());
}

TEST(Layer, StaysValidWhenItIsMovedFrom) {
  Layer layer = Scale{3.0};
  const Layer moved = std::move(layer);
  EXPECT_TRUE(at::equal(layer(x), 3 * x));  // NOLINT: that is the point.
  EXPECT_TRUE(at::equal(moved(x), 3 * x));

  Once once;
  const Once moved_once = std::move(once);
  once([] {});  // NOLINT
  EXPECT_TRUE(moved_once.done());

  Remembered<int> value;
  const Remembered<int> moved_value = std::move(value);
  value.set_once(3);  // NOLINT
  EXPECT_TRUE(moved_value.is_set());

  Deferred deferred{[] { return Scale{3.0}; }};
  const Deferred moved_deferred = std::move(deferred);
  EXPECT_TRUE(at::equal(moved_deferred(x), 3 * x));
  EXPECT_TRUE(deferred.target.is_built());  // NOLINT
}

TEST(Layer, PassesFurtherArguments) {
  const Layer layer = Scale{3.0};
  EXPECT_TRUE(at::equal(layer(x, 10.0), 30 * x));
  EXPECT_TRUE(at::equal(layer(x, 10), 30 * x));
  EXPECT_EQ(message_of<TypeError>([&] { layer(x, std::string("much")); }),
            "[Scale argument 1] must be a number, got 'much'");
  EXPECT_EQ(message_of<TypeError>([&] { layer(x, 1.0, 2.0); }),
            "[Scale] cannot be called with 3 arguments");
}

TEST(Layer, TakesAndGivesNests) {
  const Layer split = [](const Tensor& y) {
    return Parts{y.slice(0, 0, 1), y.slice(0, 1)};
  };
  const Layer join = [](const Parts& parts) {
    return at::cat({parts.tail, parts.head});
  };
  EXPECT_FALSE(split.maps_tensor());
  EXPECT_FALSE(join.maps_tensor());
  const Nest input(x);
  const Nest parts = split.call({&input, 1});
  EXPECT_TRUE(at::equal(join.call({&parts, 1}).tensor(), at::roll(x, 2)));
  EXPECT_EQ(message_of<TypeError>([&] { split(x); }),
            "[Nest] must be a tensor, got a dictionary of {head, tail}");
  EXPECT_EQ(message_of<TypeError>([] { Layer([](const Tensor&) {})(x); }),
            "[Nest] must be a tensor, got None");
  const std::string message = message_of<TypeError>([&] { join(x); });
  EXPECT_TRUE(message.ends_with(
      " argument 0] must be a Parts of 2 fields, got a tensor [3]"))
      << message;
}

TEST(Layer, IsWalkedAsWhatItHolds) {
  const Sequential net{{Scale{3.0}, Layer(Layer(Scale{4.0})), add_one,
                        Sequential{{Scale{5.0, "last"}}}}};
  net(x);
  std::vector<std::string> paths, names;
  for (const auto& [path, variable] : named_variables(net)) {
    paths.push_back(path);
    names.push_back(variable.name());
  }
  EXPECT_EQ(paths, (std::vector<std::string>{"layers/0/s", "layers/1/s",
                                             "layers/3/layers/0/s"}));
  EXPECT_EQ(names, (std::vector<std::string>{"sequential/layers/0/s",
                                             "sequential/layers/1/s",
                                             "sequential/layers/3/last/s"}));
  std::vector<std::string> classes;
  for (const ModuleRef& module : submodules(net)) {
    classes.push_back(module.path + " " + module.class_name);
  }
  EXPECT_EQ(classes, (std::vector<std::string>{
                         "layers/0 Scale", "layers/1 Scale",
                         "layers/3 Sequential", "layers/3/layers/0 Scale"}));
}

TEST(Layer, ClonesDeeplyAndKeepsWhatWasShared) {
  const Layer shared = Scale{3.0};
  const Sequential net{{shared, Scale{4.0}, shared}};
  net(x);
  const Sequential copy = clone(net);
  const Scale& first = *copy.layers[0].get_if<Scale>();
  EXPECT_EQ(&first, copy.layers[2].get_if<Scale>());
  EXPECT_NE(&first, shared.get_if<Scale>());
  EXPECT_FALSE(first.s == shared.get_if<Scale>()->s);
  first.s.assign(7);
  EXPECT_TRUE(at::equal(copy(x), 7 * 4 * 7 * x));
  EXPECT_TRUE(at::equal(net(x), 3 * 4 * 3 * x));
}

TEST(Layer, PrintsAndStoresWhatItHolds) {
  EXPECT_EQ(repr(Sequential{{Scale{3.0}, activations::relu}}),
            "Sequential(layers=[Scale(factor=3.0), relu])");
  EXPECT_EQ(repr(Sequential{{[](const Tensor& y) { return y; }}}),
            "Sequential(layers=[<lambda>])");
  registry<Layer>().add("test.Scale",
                        [](const Config& config, const std::string& where) {
                          return Layer(from_config<Scale>(config, where));
                        });
  const Layer made = make_module("test.Scale", R"({"factor": 5})");
  EXPECT_EQ(made.get_if<Scale>()->factor, 5.0);
  EXPECT_EQ(make_module("test.Scale").get_if<Scale>()->factor, 2.0);
}

TEST(Layer, IsMadeByNameOrRefused) {
  const Layer linear = make_module("Linear", R"({"output_size": 4})");
  EXPECT_EQ(linear(at::ones({2, 3})).sizes(), (std::vector<int64_t>{2, 4}));
  EXPECT_EQ(message_of([] { make_module("Linear"); }),
            "[make_module(Linear)] option 'output_size' is required");
  const std::string message = message_of([] { make_module("Lineal"); });
  EXPECT_TRUE(
      message.starts_with("[make_module] unknown class 'Lineal'; known: "))
      << message;
  EXPECT_NE(message.find(", Linear, "), message.npos) << message;
  EXPECT_EQ(message_of([] { from_json<Sequential>(R"({"layers": [3]})"); }),
            "[Sequential.layers[0]] must be a name or {\"class\": ..., "
            "\"config\": {...}}, got 3");
}

}  // namespace
}  // namespace snt::layer_test
