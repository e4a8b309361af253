#include "sonnet/layers/sequential.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <string>
#include <tuple>
#include <vector>

#include "sonnet/core/activation.h"
#include "sonnet/core/build.h"
#include "sonnet/core/clone.h"
#include "sonnet/core/errors.h"
#include "sonnet/core/nest.h"
#include "sonnet/core/options.h"
#include "sonnet/core/variables.h"
#include "sonnet/layers/bias.h"
#include "sonnet/layers/dropout.h"
#include "sonnet/layers/linear.h"
#include "sonnet/layers/reshape.h"
#include "sonnet/nets/mlp.h"
#include "sonnet/testing/expect_close.h"
#include "sonnet/testing/expect_gradients.h"
#include "sonnet/testing/message_of.h"
#include "sonnet/testing/uneven.h"

namespace snt::sequential_test {
namespace {

struct Parts {
  at::Tensor sum;
  std::vector<at::Tensor> others;
};

struct Net {
  Sequential body{{Linear{4}, activations::tanh, Linear{3}}};

  at::Tensor operator()(const at::Tensor& x) const { return body(x); }
};

std::vector<std::string> paths(const auto& module) {
  std::vector<std::string> result;
  for (const NamedVariable& entry : named_variables(module)) {
    result.push_back(entry.path);
  }
  return result;
}

at::Tensor halve(const at::Tensor& x) { return x / 2; }

TEST(SequentialTest, EmptyGivesItsInput) {
  const Sequential net;
  const at::Tensor x = uneven({2, 3});
  EXPECT_TRUE(net(x).is_same(x));
  EXPECT_TRUE(net(x, 5, at::ones({2}), "text").is_same(x));
  const Nest list = Nest::List{x, 3};
  EXPECT_EQ(net.call({&list, 1}).at(1).get_if<int64_t>()[0], 3);
}

TEST(SequentialTest, CallsOneAfterTheOther) {
  const Linear first{4};
  const Linear second{.output_size = 3, .name = "out"};
  const Sequential net{{first, activations::relu, second, halve,
                        [](const at::Tensor& x) { return x + 1; }}};
  for (at::ScalarType dtype : {at::kFloat, at::kDouble}) {
    const Sequential fresh = clone(net);
    EXPECT_EQ(fresh(uneven({2, 5}, dtype)).scalar_type(), dtype);
  }
  const at::Tensor x = uneven({2, 5});
  const at::Tensor y = net(x);
  EXPECT_TRUE(at::equal(y, second(at::relu(first(x))) / 2 + 1));
  EXPECT_EQ(net(at::zeros({0, 5}, at::kDouble)).sizes(),
            at::IntArrayRef({0, 3}));
}

// Order matters: the second map is applied to what the first gives.
TEST(SequentialTest, IsComposition) {
  const Layer twice = [](const at::Tensor& x) { return 2 * x; };
  const Layer next = [](const at::Tensor& x) { return x + 1; };
  const at::Tensor x = uneven({3});
  EXPECT_TRUE(at::equal(Sequential{{twice, next}}(x), 2 * x + 1));
  EXPECT_TRUE(at::equal(Sequential{{next, twice}}(x), 2 * (x + 1)));
  // (a b) c = a (b c)
  const Sequential left{{Sequential{{twice, next}}, halve}};
  const Sequential right{{twice, Sequential{{next, halve}}}};
  EXPECT_TRUE(at::equal(left(x), right(x)));
}

TEST(SequentialTest, FurtherArgumentsGoToTheFirstLayerOnly) {
  const Sequential net{{Dropout{0.5}, [](const at::Tensor& x) { return -x; }}};
  const at::Tensor x = uneven({2, 3}, at::kFloat);
  EXPECT_TRUE(at::equal(net(x, false), -x));

  const Sequential shifted{{Bias{.bias_dims = {{-1}}}, Flatten{}}};
  EXPECT_EQ(shifted(at::ones({2, 3, 4}), 2.0).sizes(),
            at::IntArrayRef({2, 12}));
  const Sequential sum{{[](const at::Tensor& a, const at::Tensor& b,
                           double factor) { return a + factor * b; },
                        halve}};
  EXPECT_TRUE(at::allclose(sum(x, x, 3), 2 * x));
}

TEST(SequentialTest, AnythingMayPassBetweenLayers) {
  const Sequential net{
      {[](const at::Tensor& x) { return std::tuple(x, 2 * x); },
       [](const std::tuple<at::Tensor, at::Tensor>& pair) {
         return Parts{std::get<0>(pair) + std::get<1>(pair),
                      {std::get<1>(pair)}};
       },
       [](const Parts& parts) { return parts.sum + parts.others[0]; }}};
  const at::Tensor x = uneven({2, 3});
  EXPECT_TRUE(at::allclose(net(x), 5 * x));

  // The whole output of the last layer comes back as well.
  const Sequential open{{net.layers[0]}};
  const Nest nest(x);
  EXPECT_TRUE(at::equal(open.call({&nest, 1}).at(1).tensor(), 2 * x));
}

TEST(SequentialTest, Nests) {
  const Sequential net{{Sequential{{Linear{4}, activations::elu}},
                        nets::MLP{.output_sizes = {3, 2}}}};
  EXPECT_EQ(net(uneven({2, 5})).sizes(), at::IntArrayRef({2, 2}));
  EXPECT_EQ(paths(net), (std::vector<std::string>{
                            "layers/0/layers/0/w", "layers/0/layers/0/b",
                            "layers/1/layers/0/w", "layers/1/layers/0/b",
                            "layers/1/layers/1/w", "layers/1/layers/1/b"}));
}

TEST(SequentialTest, Grows) {
  Sequential net;
  const at::Tensor x = uneven({2, 5});
  net.layers.push_back(Linear{3});
  const at::Tensor before = net(x);
  net.layers.emplace_back(activations::sigmoid);
  EXPECT_TRUE(at::equal(net(x), before.sigmoid()));
  EXPECT_EQ(paths(net), (std::vector<std::string>{"layers/0/w", "layers/0/b"}));
}

TEST(SequentialTest, Options) {
  EXPECT_EQ(repr(Sequential{}), "Sequential()");
  const Sequential net{
      {Linear{4}, activations::relu, Linear{.output_size = 3, .name = "out"}},
      "body"};
  EXPECT_EQ(repr(Sequential{{Linear{4}}}),
            "Sequential(layers=[Linear(output_size=4)])");
  EXPECT_EQ(repr(net),
            "Sequential(\n"
            "    layers=[Linear(output_size=4), relu, "
            "Linear(output_size=3, name='out')],\n"
            "    name='body',\n"
            ")");
  EXPECT_EQ(to_json(Sequential{{activations::relu, Flatten{}}}),
            R"({"layers":["relu",{"class":"Flatten","config":)"
            R"({"preserve_dims":1}}]})");
  EXPECT_EQ(repr(from_json<Sequential>(to_json(net))), repr(net));
  EXPECT_EQ(message_of([] { to_json(Sequential{{halve}}); }),
            "[to_json] JSON cannot hold <lambda>: give it a name of "
            "snt::activations, or a registered struct");
}

TEST(SequentialTest, Gradients) {
  const Sequential net{{Linear{3}, activations::tanh, Linear{2}}};
  const at::Tensor x = uneven({2, 4}).requires_grad_();
  net(x);
  std::vector<at::Tensor> leaves = {x};
  for (const Variable& variable : trainable_variables(net)) {
    leaves.push_back(variable.value());
  }
  ASSERT_EQ(leaves.size(), 5);
  expect_gradients([&] { return net(x); }, leaves);
}

TEST(SequentialTest, CopiesShareAndClonesDoNot) {
  const Linear linear{3};
  const Sequential net{{linear, activations::tanh}};
  const Sequential copy = net;
  const Sequential other = clone(net);
  const at::Tensor x = uneven({2, 4});
  const at::Tensor y = net(x);
  EXPECT_TRUE(at::equal(copy(x), y));
  EXPECT_TRUE(at::equal(linear(x).tanh(), y));
  EXPECT_TRUE(variables(other, {.allow_empty = true}).empty());
  EXPECT_FALSE(at::allclose(other(x), y));
}

// One layer twice has one set of variables.
TEST(SequentialTest, TheSameLayerTwice) {
  const Linear linear{4};
  const Sequential net{{linear, linear}};
  const at::Tensor x = uneven({2, 4});
  EXPECT_TRUE(at::equal(net(x), linear(linear(x))));
  EXPECT_EQ(paths(net), (std::vector<std::string>{"layers/0/w", "layers/0/b"}));
}

TEST(SequentialTest, Errors) {
  const at::Tensor x = at::ones({2, 5});
  EXPECT_STREQ(message_of<TypeError>([] { Sequential{}.call({}); }).c_str(),
               "[Sequential] needs an input");
  const Sequential net{{Linear{3}}};
  EXPECT_STREQ(message_of<TypeError>([&] { net(x, 1); }).c_str(),
               "[Linear] cannot be called with 2 arguments");
  const Sequential pair{{[](const at::Tensor& t) { return std::tuple(t, t); }}};
  EXPECT_STREQ(message_of<TypeError>([&] { pair(x); }).c_str(),
               "[Nest] must be a tensor, got a list of 2");
  const Sequential wrong{{pair.layers[0], Linear{3}}};
  EXPECT_STREQ(message_of<TypeError>([&] { wrong(x); }).c_str(),
               "[Linear argument 0] must be a tensor, got a list of 2");
}

TEST(SequentialTest, ErrorsOfItsLayersNameTheirPath) {
  const Net net;
  build(net, &Net::operator(), Shape{-1, 5});
  EXPECT_STREQ(message_of([&] {
                 net(at::ones({2, 6}));
               }).c_str(),
               "[Linear body/layers/0] the last dimension of x must be 5 as on "
               "the first call, got shape [2, 6]");
}

}  // namespace
}  // namespace snt::sequential_test
