#include "sonnet/core/build.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "sonnet/core/deferred.h"
#include "sonnet/core/getter.h"
#include "sonnet/core/random.h"
#include "sonnet/initializers/distributions.h"
#include "sonnet/layers/dropout.h"
#include "sonnet/layers/linear.h"
#include "sonnet/layers/sequential.h"
#include "sonnet/metrics/exponential_moving_average.h"
#include "sonnet/testing/message_of.h"

namespace snt::build_test {
namespace {

using at::Tensor;

struct Pair {
  Tensor left = {};
  Tensor right = {};
};

// Everything that a call may change: averages, a counter, random numbers.
struct Busy {
  Linear linear{3};
  ExponentialMovingAverage average{0.5};
  Variable calls = Variable::counter();
  Dropout dropout{.rate = 0.5};
  Dropout seeded{.rate = 0.5, .seed = 3};

  Tensor operator()(const Tensor& x, bool is_training = true) const {
    const Tensor y = linear(x);
    average(y.mean());
    calls.assign_add(1);
    return dropout(seeded(y, is_training), is_training) + at::rand({3});
  }
};

TEST(Build, WithoutInputsAndVariables) {
  struct Nothing {
    int operator()() const { return 3; }
  };
  EXPECT_EQ(build(Nothing()), 3);
  bool called = false;
  build([&] { called = true; });
  EXPECT_TRUE(called);
}

TEST(Build, CreatesAndNamesAllVariables) {
  const Sequential net{{Linear{3}, Linear{.output_size = 2, .name = "last"}}};
  const Tensor y = build(net, Shape{-1, 4});
  EXPECT_EQ(y.sizes(), (std::vector<int64_t>{1, 2}));
  EXPECT_FALSE(y.requires_grad());
  const Linear& first = *net.layers[0].get_if<Linear>();
  const Linear& last = *net.layers[1].get_if<Linear>();
  EXPECT_EQ(first.w.shape(), (std::vector<int64_t>{4, 3}));
  EXPECT_EQ(first.w.path(), "layers/0/w");
  EXPECT_EQ(last.b.path(), "layers/1/b");
  EXPECT_EQ(last.b.name(), "sequential/last/b");
  EXPECT_TRUE(first.w.value().requires_grad());
  EXPECT_TRUE(first.w.value().is_leaf());
}

TEST(Build, GivesTheValuesThatACallGives) {
  const auto values = [](bool by_build) {
    snt::seed(1);
    const Linear linear{3};
    if (by_build) {
      build(linear, Shape{-1, 4});
    } else {
      linear(at::ones({2, 4}));
    }
    const Linear next{3};
    next(at::ones({2, 4}));
    return std::pair(linear.w.value(), next.w.value());
  };
  EXPECT_TRUE(at::equal(values(false).first, values(true).first));
  EXPECT_TRUE(at::equal(values(false).second, values(true).second));
}

TEST(Build, ChangesNoState) {
  const Busy busy;
  build(busy, Shape{-1, 4});
  EXPECT_EQ(busy.calls.value().item<int64_t>(), 0);
  EXPECT_EQ(busy.average.counter.value().item<int64_t>(), 0);
  EXPECT_EQ(busy.average.hidden.value().item<double>(), 0);
  EXPECT_EQ(busy.average.average.value().item<double>(), 0);
  EXPECT_FALSE(busy.linear.w.value().grad().defined());
  const Tensor w = busy.linear.w.value().clone();
  build(busy, Shape{-1, 4});
  EXPECT_TRUE(at::equal(busy.linear.w.value(), w));
  busy(at::ones({1, 4}));  // From now on they change.
  EXPECT_EQ(busy.calls.value().item<int64_t>(), 1);
  EXPECT_EQ(busy.average.counter.value().item<int64_t>(), 1);
}

TEST(Build, LeavesTheRandomStateAlone) {
  const auto numbers = [](int builds) {
    snt::seed(1);
    const Busy busy;
    if (builds == 0) busy.linear(at::ones({1, 4}));
    for (int i = 0; i < builds; ++i) build(busy, Shape{-1, 4});
    return at::cat(
        {at::rand({4}), Dropout{.rate = 0.5, .seed = 3}(at::ones({64}), true)});
  };
  const Tensor expected = numbers(0);
  EXPECT_TRUE(at::equal(numbers(1), expected));
  EXPECT_TRUE(at::equal(numbers(3), expected));
  // Also when the call throws.
  snt::seed(1);
  const auto fails = [] {
    at::rand({4});
    throw ValueError("[fails] on purpose");
  };
  EXPECT_EQ(message_of([&] { build(fails); }), "[fails] on purpose");
  EXPECT_TRUE(at::equal(at::rand({4}), expected.slice(0, 0, 4)));
}

// Two models must not share a stream because one of them was built.
TEST(Build, UsesUpTheStreamsOfVariables) {
  const auto second_model = [](bool by_build) {
    snt::seed(1);
    const Initializer init = initializers::RandomNormal{.seed = 3};
    const Linear first{.output_size = 3, .w_init = init};
    const Linear second{.output_size = 3, .w_init = init};
    if (by_build) {
      build(first, Shape{-1, 4});
    } else {
      first(at::ones({1, 4}));
    }
    second(at::ones({1, 4}));
    EXPECT_FALSE(at::equal(first.w.value(), second.w.value()));
    return second.w.value();
  };
  EXPECT_TRUE(at::equal(second_model(false), second_model(true)));
}

TEST(Build, TakesTensorsShapesAndWhateverTheCallTakes) {
  struct Net {
    Linear linear{3};
    Tensor operator()(const Pair& pair, const Tensor& scale, bool flip,
                      const std::string& text) const {
      EXPECT_TRUE(flip);
      EXPECT_EQ(text, "text");
      return linear(pair.left) + pair.right * scale;
    }
  };
  const Net net;
  const Tensor y = build(net, Pair{at::ones({2, 4}), at::ones({2, 3})},
                         Shape(std::vector<int64_t>{}), true, "text");
  EXPECT_EQ(y.sizes(), (std::vector<int64_t>{2, 3}));

  const Linear wide{3};
  build(wide, Shape({2, 4}, at::kDouble));
  EXPECT_EQ(wide.w.dtype(), at::kDouble);
  const Linear empty{3};
  EXPECT_EQ(build(empty, at::ones({0, 4})).size(0), 0);
  EXPECT_EQ(empty.input_size(), 4);
  EXPECT_EQ(message_of([] {
              build(Linear{3}, Shape{-2, 4});
            }),
            "[build] a size must be >= 0, or -1 if unknown, got -2");
  // Shapes stand for zeros.
  build(
      [](const Tensor& x) {
        EXPECT_TRUE(at::equal(x, at::zeros({1, 2})));
      },
      Shape{-1, 2});
}

TEST(Build, TakesADevice) {
  struct Records {
    Tensor operator()(const Tensor& x, const Tensor& y) const {
      EXPECT_TRUE(x.is_meta());
      EXPECT_TRUE(y.is_meta());
      return x;
    }
  };
  build(Records(), BuildOptions{.device = at::kMeta}, Shape{-1, 2},
        at::ones({3}));
  const Linear linear{3};
  build(linear, BuildOptions{.device = at::kCPU}, at::ones({2, 4}));
  EXPECT_EQ(linear.w.device(), at::kCPU);
}

TEST(Build, TakesOtherMethods) {
  struct Autoencoder {
    Linear encoder{2};
    Linear decoder{4};
    Tensor encode(const Tensor& x) const { return encoder(x); }
    Tensor decode(const Tensor& z, bool twice) const {
      return twice ? 2 * decoder(z) : decoder(z);
    }
    void both(const Tensor& x) const { decode(encode(x), false); }
  };
  const Autoencoder model;
  EXPECT_EQ(build(model, &Autoencoder::encode, Shape{-1, 4}).size(1), 2);
  EXPECT_TRUE(model.encoder.w.is_built());
  EXPECT_FALSE(model.decoder.w.is_built());
  build(model, &Autoencoder::decode, Shape{-1, 2}, true);
  EXPECT_EQ(model.decoder.w.path(), "decoder/w");
  const Autoencoder other;
  build(other, &Autoencoder::both, Shape{-1, 4});
  EXPECT_EQ(variables(other).size(), 4u);
  const Autoencoder placed;
  build(placed, BuildOptions{.device = at::kCPU}, &Autoencoder::both,
        Shape{-1, 4});
  EXPECT_EQ(variables(placed).size(), 4u);
}

TEST(Build, ChecksAllOptionsBeforeTheCall) {
  struct Net {
    Linear used{3};
    Linear unused{.output_size = -2};
    Tensor operator()(const Tensor& x) const { return used(x); }
  };
  const Net net;
  EXPECT_EQ(message_of([&] {
              build(net, Shape{-1, 4});
            }),
            "[Linear] output_size must be >= 0, got -2");
  EXPECT_FALSE(net.used.w.is_built());
}

TEST(Build, FindsHiddenVariables) {
  const Linear captured{3};
  const Sequential net{
      {Linear{5}, [captured](const Tensor& x) { return captured(x); }}};
  const std::string expected =
      "[Sequential] the call used variables that no field holds, of shapes "
      "[5, 3], [3]: a module captured by a lambda or made inside the call is "
      "neither trained nor saved; make it a field";
  EXPECT_EQ(message_of([&] { build(net, Shape{-1, 4}); }), expected);
  EXPECT_EQ(message_of([&] { build(net, Shape{-1, 4}); }), expected);  // Again.
  build(net, BuildOptions{.allow_hidden = true}, Shape{-1, 4});

  struct Local {
    Tensor operator()(const Tensor& x) const { return Linear{2}(x); }
  };
  EXPECT_EQ(message_of([] {
              build(Local(), Shape{-1, 4});
            }),
            "[Local] the call used variables that no field holds, of shapes "
            "[4, 2], [2]: a module captured by a lambda or made inside the "
            "call is neither trained nor saved; make it a field");

  struct Shares {  // A capture that is a field too is fine.
    Linear linear{4};
    Sequential body = {{[l = linear](const Tensor& x) { return l(x); }}};
    Tensor operator()(const Tensor& x) const { return body(x); }
  };
  build(Shares(), Shape{-1, 4});
}

TEST(Build, MakesDeferredModulesAndSeesThroughGetters) {
  struct Net {
    Deferred inner{[] { return Linear{3}; }};
    Tensor operator()(const Tensor& x) const {
      const custom_variable_getter twice(
          [](const Tensor& value) { return 2 * value; });
      return inner(x);
    }
  };
  const Net net;
  build(net, Shape{-1, 4});
  EXPECT_EQ(net.inner.get<Linear>().w.path(), "inner/target/w");
  const Linear captured{3};
  const auto hidden = [&](const Tensor& x) {
    const custom_variable_getter twice(
        [](const Tensor& value) { return 2 * value; });
    return captured(x);
  };
  EXPECT_THROW(build(hidden, Shape{-1, 4}), ValueError);
}

TEST(Build, RestoresWhatItFound) {
  const Linear linear{3};
  int reads = 0;
  const custom_variable_getter count([&](const Tensor& value) {
    ++reads;
    return value;
  });
  build(linear, Shape{-1, 4});
  EXPECT_EQ(reads, 2);
  EXPECT_THROW(build(linear, Shape{-1, 5}), ValueError);
  linear(at::ones({2, 4}));
  EXPECT_EQ(reads, 4);
  linear.b.assign(at::ones({3}));  // Assignments work again.
  EXPECT_TRUE(at::equal(linear.b.value(), at::ones({3})));
  EXPECT_TRUE(at::GradMode::is_enabled());
}

}  // namespace
}  // namespace snt::build_test
